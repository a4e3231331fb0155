// A child process that is spoken to through pipes, with deadlines. Boost.Process starts it and stays behind this door.
//
// A child is the leader of a session of its own, so a Ctrl-C of the terminal does not reach it and all that it starts
// can be ended with it. It begins with default signal handlers, none blocked, and with no descriptor of ours that it
// was not given. Errors of the machine are Failure; what a child does is a value.
#pragma once

#include <sys/types.h>

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace posttrain {

enum class ChildStream : uint8_t { pipe, inherit, null };

struct ChildCommand {
  std::vector<std::string> argv;  // [0] without a slash is looked for in PATH
  std::string folder;             // where it starts, and what a relative argv[0] counts from; "": here
  std::optional<std::vector<std::string>> environment;  // "NAME=value"; nothing: ours
  ChildStream input = ChildStream::pipe, output = ChildStream::pipe;
  ChildStream errors = ChildStream::inherit;          // pipe: the end of what it says is kept, see errors()
  bool show_errors = false;                           // with a pipe: also passed on to our stderr
  std::vector<std::pair<int, int>> descriptors = {};  // {number there, descriptor here}, beside the three streams
  // Called in the child last before it is executed; async-signal-safe calls only. False ends the child with status 126.
  std::function<bool()> before_exec = {};
};

// What came of speaking to a child: `ended` also when it closed its end, `too_long` when it says more than is taken.
enum class ChildIo : uint8_t { done, ended, late, too_long };

// One thread at a time may speak to a child.
class ChildProcess {
 public:
  // Throws Failure that names the command when it can't be started.
  explicit ChildProcess(const ChildCommand& command);
  // Kills the group and waits for the child.
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  pid_t pid() const { return pid_; }

  // All of `text`, while what the child says meanwhile is read, so that neither waits for the other.
  ChildIo write(std::string_view text, Deadline deadline, size_t most = size_t{64} << 20);
  void close_input();
  // Up to and without `end`, which is taken too. At most `most` bytes are kept for it.
  ChildIo read_until(std::string_view end, std::string& out, Deadline deadline, size_t most);
  // To the end of its output, when all have closed it who held it.
  ChildIo read_all(std::string& out, Deadline deadline, size_t most);

  // The last 4 KiB of what it said on stderr, if that is a pipe, as far as it was read by now.
  std::string errors();
  // Its exit status, or 128 + the signal that ended it; nothing when it still runs at the deadline.
  std::optional<int> wait(Deadline deadline);
  void kill_group();

 private:
  bool pump(bool sending, std::string_view& text, size_t most, Deadline deadline);
  void drain_errors();

  pid_t pid_ = -1;
  int in_ = -1, out_ = -1, err_ = -1;
  bool show_errors_ = false, ended_ = false;
  std::optional<int> status_;
  std::string buffer_, errors_;
};

// Starts children from a thread of its own, made where this object is made. Niceness belongs to the thread and can't be
// lowered again without privileges: a child started by a worker that gave way to others would give way as well.
class ChildStarter {
 public:
  ChildStarter();
  ~ChildStarter();
  ChildStarter(const ChildStarter&) = delete;
  ChildStarter& operator=(const ChildStarter&) = delete;

  // From any thread. Throws as ChildProcess does.
  std::unique_ptr<ChildProcess> start(const ChildCommand& command);

 private:
  void run();

  std::mutex mutex_, turn_;
  std::condition_variable changed_;
  std::function<void()> work_;
  bool end_ = false;
  std::thread thread_;
};

}  // namespace posttrain

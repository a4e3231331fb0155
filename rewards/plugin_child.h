// One running child of a plug-in: a line to it, a line from it, within a time that a busy machine does not use up.
// POSIX.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/child_process.h"
#include "base/error.h"

namespace posttrain::rewards {

// The child's end is no verdict on a sample: it may be tried again with a fresh one.
class ChildEnded : public Failure {
 public:
  using Failure::Failure;
};

class PluginChild {
 public:
  // Seconds: of processor time of the child, and by the clock.
  struct Limits {
    double cpu_s = 0, wall_s = 0;
  };

  // Starts `command` in `folder` with its stderr added to the open file `log`, which must outlive it, at the priority
  // of `starter`. Throws Failure when it can't be started.
  PluginChild(ChildStarter& starter, const std::vector<std::string>& command, const std::string& folder, int log);

  // Sends a line and gives the one that comes back, both without the line feed. A first line {"ready": true} ends the
  // start; until it, or until the first reply where none comes, `start` is added to the limits. Throws ChildEnded, or
  // Failure when a limit is passed, both with what the child said last on stderr.
  std::string exchange(std::string_view line, const Limits& limits, const Limits& start);
  // `what`, followed by the last lines that it wrote to stderr.
  std::string told(const std::string& what) const;

 private:
  std::string read_line();
  double cpu_seconds() const;
  void set_limits(const Limits& limits);
  [[noreturn]] void end_of_child();

  int log_;
  off_t log_begin_ = 0;  // what stood in the log before it
  bool started_ = false;
  Limits limits_;
  double cpu_begin_ = 0;
  Deadline deadline_;
  std::unique_ptr<ChildProcess> process_;
};

}  // namespace posttrain::rewards

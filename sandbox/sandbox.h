// Runs untrusted programs: a launcher process outside the host, a pool of boxes, one run at a time in each.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/child_process.h"
#include "sandbox/control_groups.h"
#include "sandbox/limits.h"
#include "sandbox/wire.h"

namespace posttrain::sandbox {

enum class Mode : uint8_t {
  require,  // refuse to start when a layer of the wall is missing
  warn,     // go on without the layers that may be missing (Landlock, fresh process numbers ...), with a warning
};

struct Options {
  int boxes = 0;                            // 0: one for each core
  std::string python = "/usr/bin/python3";  // empty: no Python
  std::vector<std::string> runtime;         // further read-only folders of the host, e.g. where that interpreter lives
  Mode mode = Mode::require;
  std::string cgroup;       // exact meter by control groups: "own" or a folder, see control_groups.h; empty: none
  std::string launcher;     // path; empty: beside the running program, or $POSTTRAIN_LAUNCHER
  int runs_per_box = 1000;  // then the box is built anew
};

// What to run. Contents are bytes; views need to live until run() returns.
struct Job {
  Kind kind = Kind::native;
  Limits limits;
  std::string_view input;  // standard input
  int program = -1;        // native: an executable; python: the source; by descriptor, not owned
  bool function = false;   // a result record is expected and `arguments` goes in
  std::string_view arguments;
  std::vector<std::string> argv;  // command: the program by its path in the box, and its arguments
  std::vector<std::pair<std::string, std::string_view>> files;  // command: written to the working folder first
  std::string artefact;                                         // command: the file to bring back when it ends well
  bool merge_errors = false;  // stderr goes where stdout goes, cut instead of ended at the limit
};

struct Outcome {
  std::string error;  // the sandbox's own failure: nothing below means anything
  Stop stop = Stop::none;
  int exit_code = 0, signal = 0;
  double cpu_ms = 0, wall_ms = 0;
  int64_t memory_kib = 0, disk_kib = 0;
  std::string out, err, record;  // what was kept
  int64_t out_bytes = 0, err_bytes = 0, record_bytes = 0;
  Fd artefact;
};

// Thread-safe: run() blocks until a box is free. Throws Failure from the constructor when the wall can't be built.
class Sandbox {
 public:
  explicit Sandbox(Options options);
  ~Sandbox();
  Sandbox(const Sandbox&) = delete;
  Sandbox& operator=(const Sandbox&) = delete;

  // Never throws for anything a program does. A failure of the sandbox is Outcome::error; the launcher and the box are
  // started again for the next run.
  Outcome run(const Job& job);

  // Puts a precompiled bits/stdc++.h where every box finds it. False when the launcher could not.
  bool add_header(int file);

  int boxes() const { return boxes_; }
  uint32_t layers() const { return layers_; }
  int landlock_abi() const { return landlock_abi_; }
  const Options& options() const { return options_; }
  int launcher_pid() const;
  // Changes when the launcher had to be started again: what was added to it is gone.
  uint64_t generation() const;

 private:
  struct Launcher;
  struct Slot {
    int index = 0, runs = 0;
    uint64_t generation = 0;
    Fd line;
    std::shared_ptr<const ControlGroups> groups;  // null: no exact meter
  };
  void start_launcher();
  void open_slot(Slot& slot);
  Slot acquire();
  void release(Slot slot);
  Outcome collect(Slot& slot, const Job& job, Fd out, Fd err, Fd record) const;

  const Options options_;
  int boxes_ = 1;
  uint32_t layers_ = 0;
  int landlock_abi_ = 0;
  mutable std::mutex mutex_;
  std::condition_variable freed_;
  ChildStarter starter_;
  std::unique_ptr<Launcher> launcher_;
  std::shared_ptr<const ControlGroups> groups_;
  uint64_t generation_ = 0;
  std::vector<Slot> free_;
};

// The host user that programs in box `index` have: a spare one when this process is root, else its own.
unsigned box_user(int index);

// The layers that `layers` lacks, in words; empty when the wall is whole.
std::string missing_layers(uint32_t layers, bool python);
// Every layer by name with whether this machine gives it.
std::vector<std::pair<const char*, bool>> describe_layers(uint32_t layers);

}  // namespace posttrain::sandbox

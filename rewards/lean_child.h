// A tool of Lean's that is spoken to through pipes, with limits and, where asked for, walls.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/child_process.h"
#include "sandbox/tool_walls.h"

namespace posttrain::rewards {

struct ChildLimits {
  int64_t memory_mib = 0;  // address space; 0: no limit
  int64_t cpu_s = 0;
  bool walls = false;                 // see sandbox/tool_walls.h
  std::vector<std::string> writable;  // the only folders that it may change, behind walls; the first is its TMPDIR
  ChildStarter* starter = nullptr;    // starts it, at the priority of its own thread; null: the calling thread does
};

class LeanChild {
 public:
  // Its environment has nothing but paths and the language. Throws Failure when it can't be started; a wall that can't
  // be put up shows as `ended`.
  LeanChild(const std::vector<std::string>& command, const std::string& folder, const ChildLimits& limits);
  ~LeanChild();  // kills the whole process group, behind walls everything that it started
  LeanChild(const LeanChild&) = delete;
  LeanChild& operator=(const LeanChild&) = delete;

  // As ChildProcess does it, with at most 16 MiB of reply.
  ChildIo write(std::string_view text, Deadline deadline);
  void close_input() { child_->close_input(); }
  ChildIo read_until(std::string_view end, std::string& out, Deadline deadline);
  ChildIo read_all(std::string& out, Deadline deadline);

 private:
  sandbox::Fd line_;  // to the guard of a child behind walls
  std::unique_ptr<ChildProcess> child_;
};

}  // namespace posttrain::rewards

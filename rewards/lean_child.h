// A child process that is spoken to through pipes, with limits, deadlines and, where asked for, walls. POSIX.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "sandbox/tool_walls.h"

namespace posttrain::rewards {

struct ChildLimits {
  int64_t memory_mib = 0;  // address space; 0: no limit
  int64_t cpu_s = 0;
  bool walls = false;                 // see sandbox/tool_walls.h
  std::vector<std::string> writable;  // the only folders that it may change, behind walls; the first is its TMPDIR
};

class LeanChild {
 public:
  enum class Read : uint8_t { found, ended, late, too_long };

  // Its environment has nothing but paths and the language. Throws Failure when no process can be made; a command that
  // can't be run, or a wall that can't be put up, shows as `ended`.
  LeanChild(const std::vector<std::string>& command, const std::string& folder, const ChildLimits& limits);
  ~LeanChild();  // kills the whole process group, behind walls everything that it started
  LeanChild(const LeanChild&) = delete;
  LeanChild& operator=(const LeanChild&) = delete;

  // False when the child has ended or takes nothing more before the deadline.
  bool write(std::string_view text, Deadline deadline);
  void close_input();
  // Up to and with `end` (not given in `out`); an empty `end` reads to the end of the output, which then is `found`.
  Read read(std::string_view end, std::string& out, Deadline deadline);

 private:
  int pid_ = -1, in_ = -1, out_ = -1;
  sandbox::Fd line_;  // to the guard of a child behind walls
  std::string buffer_;
};

}  // namespace posttrain::rewards

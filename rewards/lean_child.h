// A child process that is spoken to through pipes, with limits and deadlines. POSIX.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace posttrain::rewards {

using Deadline = std::chrono::steady_clock::time_point;

struct ChildLimits {
  int64_t memory_mib = 0;  // address space; 0: no limit
  int64_t cpu_s = 0;
};

class LeanChild {
 public:
  enum class Read : uint8_t { found, ended, late, too_long };

  // Throws Failure when no process can be made; a command that can't be run shows as `ended`.
  LeanChild(const std::vector<std::string>& command, const std::string& folder, const ChildLimits& limits);
  ~LeanChild();  // kills the whole process group
  LeanChild(const LeanChild&) = delete;
  LeanChild& operator=(const LeanChild&) = delete;

  // False when the child has ended or takes nothing more before the deadline.
  bool write(std::string_view text, Deadline deadline);
  void close_input();
  // Up to and with `end` (not given in `out`); an empty `end` reads to the end of the output, which then is `found`.
  Read read(std::string_view end, std::string& out, Deadline deadline);

 private:
  int pid_ = -1, in_ = -1, out_ = -1;
  std::string buffer_;
};

}  // namespace posttrain::rewards

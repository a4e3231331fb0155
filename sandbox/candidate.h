// The last steps before a program's first instruction, in the process that becomes the program.
#pragma once

#include <span>

#include "sandbox/landlock.h"
#include "sandbox/policy.h"
#include "sandbox/wire.h"

namespace posttrain::sandbox {

struct Walls {
  Filter base, program, python;  // programs: compiled ones, those of the Python server
  uint64_t pass = 0;             // see program_filter()
  Fd landlock;
  int own_processes = 2;  // of the box's own in the same user namespace: they count against RLIMIT_NPROC
};

struct ResourceLimit {
  int resource;
  uint64_t soft, hard;
};
// setrlimit(2) values for one run.
std::vector<ResourceLimit> resource_limits(const Limits& limits, const Walls& walls);

// Why a program did not start; sent by the failing child.
struct StartFailure {
  int32_t error = 0;
  int32_t by_program = 0;  // execve itself said no: the program's fault
  char step[60] = {};
};

// In the child: into the control groups behind `doors`, streams in place, limits set, walls up, then the program (or
// argv[0] when `program` is negative). Does not return: on failure the reason goes to `report`.
[[noreturn]] void become_program(const RunRequest& request, const Walls& walls, std::span<const Fd> doors,
                                 const std::vector<int>& streams, int program, const std::vector<std::string>& argv,
                                 int report);

}  // namespace posttrain::sandbox

// What one run may use. Plain data: it travels to the box as it is.
#pragma once

#include <cstdint>

namespace posttrain::sandbox {

struct Limits {
  double cpu_s = 2.0;         // of all processes and threads of the box together
  double wall_s = 5.0;        // from start to end, against programs that sleep
  int64_t memory_mib = 256;   // resident memory of the whole box, files it wrote included; never address space
  int64_t stack_mib = 64;     // main thread
  int64_t stdout_kib = 4096;  // also the result record
  int64_t stderr_kib = 1024;  // kept; the rest is dropped
  int64_t pids = 32;          // processes and threads together
  int64_t disk_mib = 64;      // everything the program can write
  int64_t inodes = 1024;
};

struct CompileLimits {
  double wall_s = 15.0;  // also CPU time
  int64_t memory_mib = 1024;
  int64_t disk_mib = 64;
  int64_t output_kib = 64;  // diagnostics kept
};

}  // namespace posttrain::sandbox

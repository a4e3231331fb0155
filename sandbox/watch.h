// Watches one run from outside its process namespace and stops it at the first limit it meets.
#pragma once

#include <sys/resource.h>

#include "sandbox/wire.h"

namespace posttrain::sandbox {

// What the processes of the box use at this moment, from the box's private /proc.
struct Usage {
  int64_t cpu_ms = 0;      // living processes and the children they have waited for
  int64_t memory_kib = 0;  // resident, plus what lies in /box/run and is not mapped
  int64_t disk_kib = 0;
};
Usage box_usage();

// Waits until `process` (a pidfd) ends; kills it at a limit or when `host` asks or hangs up. Fills stop, wall_us and
// the peaks of `reply`. False when the host is gone.
bool watch(int process, int host, const Limits& limits, RunReply& reply);

// Adds exit status, CPU time and peak memory as the kernel counted them, and decides what the looks in between missed.
void settle(int wait_status, const rusage& used, const Limits& limits, RunReply& reply);

}  // namespace posttrain::sandbox

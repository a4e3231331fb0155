#include <unistd.h>

#include <cstdlib>

#include "cli/command.h"

// OpenMP reads its environment before main, so the program starts itself again. Its threads look for work for a few
// microseconds, because the next loop mostly comes at once (a GRPO step of tiny-1m: 0.11 s, and 0.23 s where they sleep
// right away), and then sleep: rewards compile and run programs beside them, and a team that spins for a thread whose
// CPU is taken loses whole scheduler slices (at a load of 6 on 2 CPUs up to 213 ms a decoding step instead of 1.4).
static void start_with_patient_threads(char** argv) {
  if (std::getenv("OMP_WAIT_POLICY") != nullptr || setenv("OMP_WAIT_POLICY", "passive", 1) != 0) return;
  setenv("GOMP_SPINCOUNT", "2000", 0);
  execv("/proc/self/exe", argv);  // returns only where there is no /proc: then they spin
}

int main(int argc, char** argv) {
  start_with_patient_threads(argv);
  return posttrain::cli::run_command_line(argc, argv);
}

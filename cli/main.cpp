#include <unistd.h>

#include <cstdlib>

#include "cli/command.h"

// OpenMP reads its environment before main, so the program starts itself again. Its threads must sleep while they wait:
// rewards compile and run programs beside them, and a team that spins for a thread whose CPU is taken loses whole
// scheduler slices (measured at a load of 6 on 2 CPUs: 1.4 ms instead of up to 213 ms a decoding step).
static void start_with_sleeping_threads(char** argv) {
  if (std::getenv("OMP_WAIT_POLICY") != nullptr || setenv("OMP_WAIT_POLICY", "passive", 1) != 0) return;
  execv("/proc/self/exe", argv);  // returns only where there is no /proc: then they spin
}

int main(int argc, char** argv) {
  start_with_sleeping_threads(argv);
  return posttrain::cli::run_command_line(argc, argv);
}

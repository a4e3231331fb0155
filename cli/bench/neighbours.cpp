#include "cli/bench/neighbours.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"

namespace posttrain::cli {

Neighbours::Neighbours(int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    const pid_t child = fork();
    if (child < 0) throw Failure("bench", "can't start a neighbour");
    if (child == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      setsid();
      raise(SIGSTOP);
      for (volatile uint64_t n = 0;;) n = n + 1;
    }
    int status = 0;
    waitpid(child, &status, WUNTRACED);
    children_.push_back(child);
  }
}

Neighbours::~Neighbours() {
  signal(SIGKILL);
  for (const pid_t child : children_) waitpid(child, nullptr, 0);
}

void Neighbours::signal(int number) const {
  for (const pid_t child : children_) kill(child, number);
}

void Neighbours::resume() {
  signal(SIGCONT);
  busy_ = true;
}

void Neighbours::pause() {
  signal(SIGSTOP);
  busy_ = false;
}

}  // namespace posttrain::cli

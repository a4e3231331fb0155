// What the host has to steal or break while a suite runs, and whether it is still whole.
#pragma once

#include <sys/stat.h>

#include <string>
#include <vector>

#include "cli/judge/judge_suite.h"

namespace posttrain::cli {

// Makes the set-up and takes it away again, also when this process is killed: a guard process does the removing.
class Bait {
 public:
  // Throws Error and changes nothing when something of it exists already. `victim_user`: the host user of sandboxed
  // programs.
  Bait(const SuiteSetup& setup, unsigned victim_user);
  ~Bait();
  Bait(const Bait&) = delete;
  Bait& operator=(const Bait&) = delete;

  // What changed since the last look, in words; empty when nothing did. Restores what was changed.
  std::string changes();

 private:
  struct Watched {
    SuiteFile file;
    struct stat status {};
  };
  void make();
  void take_down();
  void make_file(Watched& watched);
  void make_listener(const SuiteListener& listener);
  void start_victim();

  const SuiteSetup& setup_;
  const unsigned victim_user_;
  std::vector<Watched> files_;
  std::vector<std::pair<int, std::string>> listeners_;
  std::vector<int> inherited_;
  int victim_ = -1, guard_ = -1, guard_line_ = -1;
};

// Processes of the host by their command name, living ones only.
std::vector<int> processes_named(const std::string& name);
// Living processes below `root` in the tree of parents, itself included.
size_t processes_below(int root);

// What a suite must not leave behind, one line each: mounts, shared memory, files named after the suite, descriptors,
// children.
std::vector<std::string> host_inventory();

// Peak resident memory of this process since the last call to reset, and now (KiB).
void reset_peak_memory();
int64_t peak_memory_kib();
int64_t memory_kib();

}  // namespace posttrain::cli

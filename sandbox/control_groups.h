// An exact meter where the machine lends one: a control group for each run, version 1 or 2, below this process's own
// group or below one that was named. Never above, and gone with the run.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sandbox/fd.h"
#include "sandbox/limits.h"

namespace posttrain::sandbox {

// What the kernel counted for all processes of a run together, files in memory included.
struct Metered {
  bool good = false;  // false: a counter could not be read
  int64_t memory_kib = 0, cpu_us = 0;
  bool out_of_memory = false;
};

// The groups of one run; removed with it.
class RunGroups {
 public:
  ~RunGroups();
  RunGroups() = default;
  RunGroups(const RunGroups&) = delete;
  RunGroups& operator=(const RunGroups&) = delete;

  // A process that writes "0" to each belongs to the run.
  const std::vector<Fd>& doors() const { return doors_; }
  Metered read() const;

 private:
  friend class ControlGroups;
  struct Folder {
    std::string path;
    int version;
  };
  std::vector<Folder> folders_;
  std::vector<Fd> doors_;
};

// Thread-safe once made. In two steps, so that whoever removes the folders after a sudden end of this process knows
// their names before they are there.
class ControlGroups {
 public:
  // `where`: "own", or the folder of a version 2 group that has controllers and no processes. Chooses folders; throws
  // Failure that says what is missing.
  explicit ControlGroups(const std::string& where);
  ~ControlGroups();
  ControlGroups(const ControlGroups&) = delete;
  ControlGroups& operator=(const ControlGroups&) = delete;

  // Makes the folders and tries them; throws Failure that says what the machine refuses.
  void make();

  // Null when the machine refuses.
  std::unique_ptr<RunGroups> open(const std::string& name, const Limits& limits) const;
  // The folders that hold the runs' groups, with colons in between.
  std::string folders() const;

 private:
  struct Place {
    std::string parent;
    std::string path;  // of the folder that holds the runs' groups
    int version;
  };
  std::vector<Place> places_;
};

}  // namespace posttrain::sandbox

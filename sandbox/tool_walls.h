// Walls round a tool of the host's own that runs what a model wrote, such as a Lean toolchain. It reads the host's
// files, for nobody knows where it keeps its own, but changes only those in the folders it is given; it has no network,
// no sockets, no sight of other processes, and when it ends or the host does, so does everything that it started. What
// a box (sandbox.h) has and this has not: a tree of its own, an empty environment, an exact meter.
#pragma once

#include <string>
#include <vector>

#include "sandbox/fd.h"
#include "sandbox/policy.h"

namespace posttrain::sandbox {

class ToolWalls {
 public:
  // For one process that may write below `writable`.
  explicit ToolWalls(const std::vector<std::string>& writable);

  // Called in a forked child; `line` is the reading end of a pipe whose other end only the host has. Returns in a new
  // process, behind the walls, while the caller stays as its guard: it ends with the tool's status, or ends the tool
  // when `line` closes. Descriptors above 2 are closed when the tool is executed. Null, or the wall that can't be put
  // up, in the guard as well as in the new process. Makes only async-signal-safe calls.
  const char* enter(int line) const;

  // The wall that this machine can't put up; "" when all stand. Starts a process to find out.
  static std::string missing();

 private:
  Fd rules_;
  Filter filter_;
  std::string uid_map_, gid_map_;
};

}  // namespace posttrain::sandbox

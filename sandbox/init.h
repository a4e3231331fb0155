// The first process of a box's process namespace: it mounts /proc, kills what is left after a run, and cannot be
// reached.
#pragma once

#include "sandbox/fd.h"
#include "sandbox/tree.h"

namespace posttrain::sandbox {

struct Init {
  Fd space, control;  // its process namespace; the supervisor's end of the line to it
  bool resets_pids = false;
  int host = -1;  // the supervisor's line to the host, not owned
};

// Call after build_tree() and before enter_tree(). Null when the init is up.
Step start_init(Init& init);

// Kills every other process of the namespace, waits until none is left and starts the process numbers again at 2.
Step clear_processes(const Init& init);

}  // namespace posttrain::sandbox

// One box: a supervisor outside the box's process namespace, an init inside it, and one run after another.
#pragma once

#include "sandbox/tree.h"
#include "sandbox/wire.h"

namespace posttrain::sandbox {

struct BoxOptions {
  TreeOptions tree;
  std::string python;  // empty: no Python
};

// The supervisor: builds the box, then answers requests on `host` until it closes. Called in a fresh process that has
// user, mount, ipc and uts namespaces of its own and all capabilities there. Sends a LauncherReply first.
[[noreturn]] void serve_box(const BoxOptions& options, Fd host);

}  // namespace posttrain::sandbox

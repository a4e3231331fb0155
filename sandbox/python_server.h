// The Python fork server of a box: an interpreter with the usual modules loaded that forks one child per program. It
// holds no test data, lives outside the process namespace of its children, and is behind the same walls as they are.
#pragma once

#include "sandbox/candidate.h"
#include "sandbox/init.h"

namespace posttrain::sandbox {

struct PythonServer {
  pid_t pid = 0;
  Fd control;
};

// Call before the supervisor itself enters the process namespace of `init`.
Step start_python_server(PythonServer& server, const std::string& interpreter, const Walls& walls, const Init& init);

// Runs one program; see watch(). `step` names a failure of the server's own.
bool run_python(const PythonServer& server, const RunRequest& request, const Walls& walls, const std::vector<Fd>& fds,
                const std::vector<Fd>& doors, int host, RunReply& reply, Step& step);

}  // namespace posttrain::sandbox

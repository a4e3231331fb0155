// What travels between the host and a box: one SEQPACKET message with descriptors each way, plain structs, no names.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sandbox/fd.h"
#include "sandbox/limits.h"

namespace posttrain::sandbox {

constexpr size_t kMaxMessage = 96 * 1024;
constexpr size_t kMaxFds = 16;

enum class Kind : int32_t {
  native = 1,         // fds: stdin, stdout, stderr, program, [result, arguments]
  python = 2,         // fds: stdin, stdout, stderr, source, [result, arguments]
  command = 3,        // fds: stdin, stdout, stderr, one per file; text: argv, file names, artefact name
  python_server = 4,  // internal: the fork server itself
};

enum class Stop : int32_t { none = 0, cpu, wall, memory, output, request };

// Host -> box. Followed by `text`: NUL-terminated strings (command only).
struct RunRequest {
  Kind kind = Kind::native;
  int32_t arguments = 0, files = 0;  // command: how many strings are argv, how many are file names; then the artefact
  int32_t function = 0;              // native, python: a result and an arguments descriptor follow
  int32_t groups = 0;                // the last so many descriptors are doors of control groups
  Limits limits;
};

// Box -> host, one for each request. An artefact's descriptor may come with it.
struct RunReply {
  int32_t error = 0;  // errno of a failure of the box itself: no verdict
  char step[60] = {};
  Stop stop = Stop::none;  // the limit met first
  int32_t exit_code = 0, signal = 0, exec_error = 0;
  int64_t cpu_us = 0, wall_us = 0, memory_kib = 0, disk_kib = 0;
};

// Host -> launcher, and the answer.
enum class Order : int32_t { new_box = 1, add_header = 2 };
struct LauncherRequest {
  Order order = Order::new_box;
  int32_t index = 0;
};
struct LauncherReply {
  int32_t error = 0;
  char step[60] = {};
  uint32_t layers = 0;
  int32_t landlock_abi = 0;
};

// Layers of the wall; the launcher says which it could build.
enum Layer : uint32_t {
  kNamespaces = 1u << 0,  // user, pid, mount, ipc, uts, cgroup
  kNetwork = 1u << 1,     // an empty network namespace
  kFileTree = 1u << 2,    // read-only system, bounded private tmpfs
  kSeccomp = 1u << 3,
  kLandlock = 1u << 4,
  kNoNesting = 1u << 5,    // max_user_namespaces = 0 inside
  kPrivateProc = 1u << 6,  // /proc shows the program alone
  kFreshPids = 1u << 7,    // process numbers start again for each run
  kPython = 1u << 8,       // the fork server answers
  kCgroup = 1u << 9,       // exact meter, by option; not a wall
};

// False on any error: errno is 0 at the end of file and EBADMSG for a message that is too short or too long. Received
// descriptors are close-on-exec.
bool send_message(int socket, const void* head, size_t head_bytes, const std::string& text,
                  const std::vector<int>& fds);
bool receive_message(int socket, void* head, size_t head_bytes, std::string& text, std::vector<Fd>& fds);

// Anonymous memory as a file: sealed against every change, descriptor read-only with its own offset.
Fd memory_file(const char* data, size_t bytes);
// Copies `bytes` of `from`, sealed as above; invalid on error.
Fd memory_copy(int from, size_t bytes);

}  // namespace posttrain::sandbox

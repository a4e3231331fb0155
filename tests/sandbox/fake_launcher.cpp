// Answers as a launcher on a machine without Landlock and without the system call filter.
#include <sys/socket.h>

#include "sandbox/wire.h"

using namespace posttrain::sandbox;

int main() {
  LauncherRequest request;
  std::string text;
  std::vector<Fd> fds, boxes;
  while (receive_message(3, &request, sizeof request, text, fds)) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return 1;
    boxes.emplace_back(ends[1]);
    const Fd host_end(ends[0]);
    LauncherReply reply;
    send_message(3, &reply, sizeof reply, "", {host_end.get()});
    reply.layers = ~uint32_t{kLandlock | kSeccomp};
    send_message(ends[1], &reply, sizeof reply, "", {});
  }
}

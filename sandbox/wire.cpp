#include "sandbox/wire.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstring>

namespace posttrain::sandbox {

bool send_message(int socket, const void* head, size_t head_bytes, const std::string& text,
                  const std::vector<int>& fds) {
  iovec parts[2] = {{const_cast<void*>(head), head_bytes}, {const_cast<char*>(text.data()), text.size()}};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMaxFds)] = {};
  msghdr message{};
  message.msg_iov = parts;
  message.msg_iovlen = 2;
  if (!fds.empty()) {
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(sizeof(int) * fds.size());
    cmsghdr* rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int) * fds.size());
    std::memcpy(CMSG_DATA(rights), fds.data(), sizeof(int) * fds.size());
  }
  ssize_t sent;
  do sent = sendmsg(socket, &message, MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  return sent == static_cast<ssize_t>(head_bytes + text.size());
}

bool receive_message(int socket, void* head, size_t head_bytes, std::string& text, std::vector<Fd>& fds) {
  text.resize(kMaxMessage);
  fds.clear();
  iovec parts[2] = {{head, head_bytes}, {text.data(), text.size()}};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMaxFds)] = {};
  msghdr message{};
  message.msg_iov = parts;
  message.msg_iovlen = 2;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t got;
  do got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  while (got < 0 && errno == EINTR);
  if (got == 0) errno = 0;
  if (got <= 0) return false;
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int fd;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof fd);
      fds.emplace_back(fd);
    }
  }
  if (static_cast<size_t>(got) < head_bytes || (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
    errno = EBADMSG;
    return false;
  }
  text.resize(static_cast<size_t>(got) - head_bytes);
  return true;
}

namespace {

// Sealed, and opened again for reading only: a holder can neither change nor extend it.
Fd sealed(Fd writable) {
  if (fcntl(writable.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0) return {};
  const std::string self = "/proc/self/fd/" + std::to_string(writable.get());
  Fd reader(open(self.c_str(), O_RDONLY | O_CLOEXEC));
  if (reader) return reader;
  lseek(writable.get(), 0, SEEK_SET);  // inside a box /proc may be another namespace's: the seal has to do
  return writable;
}

}  // namespace

Fd memory_file(const char* data, size_t bytes) {
  Fd file(memfd_create("data", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file) return {};
  for (size_t done = 0; done < bytes;) {
    const ssize_t n = write(file.get(), data + done, bytes - done);
    if (n <= 0) return {};
    done += static_cast<size_t>(n);
  }
  return sealed(std::move(file));
}

Fd memory_copy(int from, size_t bytes) {
  Fd file(memfd_create("data", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file) return {};
  off_t at = 0;
  while (static_cast<size_t>(at) < bytes) {
    const ssize_t n = sendfile(file.get(), from, &at, bytes - static_cast<size_t>(at));
    if (n <= 0) return {};
  }
  return sealed(std::move(file));
}

}  // namespace posttrain::sandbox

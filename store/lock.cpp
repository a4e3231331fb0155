#include "store/lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>

#include "base/error.h"

namespace posttrain::store {
namespace {

bool same_file(int fd, const std::filesystem::path& path) {
  struct stat open {};
  struct stat named {};
  return ::fstat(fd, &open) == 0 && ::stat(path.c_str(), &named) == 0 && open.st_ino == named.st_ino &&
         open.st_dev == named.st_dev;
}

// A look (held()) takes the lock for an instant; a writer is there for long.
bool take_lock(int fd) {
  for (int tries = 0; tries < 10; ++tries) {
    if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return true;
    ::usleep(10'000);
  }
  return false;
}

}  // namespace

bool FileLock::held(const std::filesystem::path& file) {
  const int fd = ::open((file.string() + ".lock").c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool taken = ::flock(fd, LOCK_SH | LOCK_NB) != 0;
  ::close(fd);
  return taken;
}

FileLock::FileLock(const std::filesystem::path& file) : path_(file) {
  path_ += ".lock";
  while (true) {
    fd_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd_ < 0) throw Failure(path_.string(), std::string("can't create: ") + std::strerror(errno));
    if (!take_lock(fd_)) {
      std::array<char, 32> holder{};
      const ssize_t n = ::read(fd_, holder.data(), holder.size() - 1);
      ::close(fd_);
      throw Error(file.string(), "another process is writing to this run" +
                                     (n > 0 ? " (process " + std::string(holder.data()) + ")" : std::string()));
    }
    if (same_file(fd_, path_)) break;
    ::close(fd_);  // the last holder removed the name between our open and our lock
  }
  const std::string id = std::to_string(::getpid());
  // The id is for the message only, so a full disk is no reason to stop here.
  if (::ftruncate(fd_, 0) == 0 && ::write(fd_, id.data(), id.size()) < 0) errno = 0;
}

FileLock::~FileLock() {
  ::unlink(path_.c_str());
  ::close(fd_);
}

}  // namespace posttrain::store

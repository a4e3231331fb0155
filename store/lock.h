// One writer per file, across processes; the kernel lets go of the lock when its holder dies.
#pragma once

#include <filesystem>

namespace posttrain::store {

class FileLock {
 public:
  // Makes and locks "<file>.lock" with this process's id in it. Throws Error naming the holder when it is held,
  // Failure when it can't be made.
  explicit FileLock(const std::filesystem::path& file);
  ~FileLock();
  // Whether some process holds the lock of `file`. Looks without waiting; a writer that begins just then waits a
  // moment.
  static bool held(const std::filesystem::path& file);
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  std::filesystem::path path_;
  int fd_ = -1;
};

}  // namespace posttrain::store

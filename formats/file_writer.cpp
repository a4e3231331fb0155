#include "formats/file_writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "base/folders.h"

namespace posttrain {
namespace {

constexpr size_t buffer_bytes = size_t{1} << 20;

// Bytes that a tool copied are not on the disk until they are synced.
void sync_all(const std::filesystem::path& folder) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.is_directory()) sync_folder(entry.path());
    if (entry.is_regular_file()) sync_file(entry.path());
  }
}

[[noreturn]] void fail_at(const std::filesystem::path& path, const char* verb) {
  throw Failure(path.string(), std::string("can't ") + verb + ": " + std::strerror(errno));
}

}  // namespace

FileWriter::FileWriter(std::filesystem::path file) : file_(std::move(file)) {
  buffer_.reserve(buffer_bytes);
  fd_ = ::open(file_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd_ < 0) fail_at(file_, "create");
}

FileWriter::~FileWriter() {
  if (fd_ < 0) return;
  ::close(fd_);
  ::unlink(file_.c_str());
}

void FileWriter::fail(const char* verb) {
  const int cause = errno;
  ::close(std::exchange(fd_, -1));
  ::unlink(file_.c_str());
  errno = cause;
  fail_at(file_, verb);
}

void FileWriter::flush() {
  const std::byte* at = buffer_.data();
  size_t left = buffer_.size();
  while (left > 0) {
    const ssize_t n = ::write(fd_, at, left);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("write");
    at += n;
    left -= static_cast<size_t>(n);
  }
  buffer_.clear();
}

void FileWriter::write(const void* data, size_t bytes) {
  const auto* at = static_cast<const std::byte*>(data);
  while (bytes > 0) {
    const size_t n = std::min(bytes, buffer_bytes - buffer_.size());
    buffer_.insert(buffer_.end(), at, at + n);
    at += n;
    bytes -= n;
    if (buffer_.size() == buffer_bytes) flush();
  }
}

void FileWriter::close() {
  flush();
  if (::fsync(fd_) != 0) fail("write");
  if (::close(std::exchange(fd_, -1)) != 0) {
    const int cause = errno;
    ::unlink(file_.c_str());
    errno = cause;
    fail_at(file_, "write");
  }
}

void replace_file(const std::filesystem::path& temporary, const std::filesystem::path& file) {
  if (::rename(temporary.c_str(), file.c_str()) != 0) {
    const int cause = errno;
    ::unlink(temporary.c_str());
    errno = cause;
    fail_at(file, "replace");
  }
  sync_folder(file.parent_path());
}

void write_folder_atomically(const std::filesystem::path& dir,
                             const std::function<void(const std::filesystem::path&)>& fill) {
  const auto target = dir.has_filename() ? dir : dir.parent_path();  // "final/" names the same folder as "final"
  auto temporary = target;
  temporary += ".tmp";
  std::error_code error;
  std::filesystem::remove_all(temporary, error);
  make_folders(temporary);
  try {
    fill(temporary);
    sync_all(temporary);
  } catch (...) {
    std::filesystem::remove_all(temporary, error);
    throw;
  }
  sync_folder(temporary);
  // A folder that is there can only be exchanged, never overwritten.
  const bool exists = std::filesystem::exists(target);
  const int done = exists ? ::renameat2(AT_FDCWD, temporary.c_str(), AT_FDCWD, target.c_str(), RENAME_EXCHANGE)
                          : ::rename(temporary.c_str(), target.c_str());
  if (done != 0) {
    const int cause = errno;
    std::filesystem::remove_all(temporary, error);
    errno = cause;
    fail_at(target, "replace");
  }
  sync_folder(target.parent_path());
  if (exists) std::filesystem::remove_all(temporary, error);
}

}  // namespace posttrain

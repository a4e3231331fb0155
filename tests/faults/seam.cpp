// The seam below files: a library to be loaded before libc (LD_PRELOAD) that stands between a program, SQLite
// included, and what it does to the files under one folder. The program is the one that people run; nothing in it
// knows of this. Children inherit it. By environment:
//   FAULT_ROOT        folder whose files count, an absolute path without links
//   FAULT_KILL_AFTER  text: SIGKILL after the first write whose bytes hold it
//   FAULT_KILL_ON     text: SIGKILL before the first operation on a file whose path holds it
//   FAULT_AT          number of the operation (write, ftruncate, fsync, rename; from 1) that meets the fault
//   FAULT_KIND        fail: it fails and does nothing; full: it and all writes after it fail; short: half of its bytes;
//                     kill: SIGKILL before it
//   FAULT_LOG         file: every operation is appended in the form that power_loss.h reads
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

namespace {

const char* text_of(const char* name) {
  const char* value = getenv(name);
  return value == nullptr ? "" : value;
}

struct Plan {
  std::string root = text_of("FAULT_ROOT"), kill_after = text_of("FAULT_KILL_AFTER"),
              kill_on = text_of("FAULT_KILL_ON"), kind = text_of("FAULT_KIND"), log = text_of("FAULT_LOG");
  int64_t at = atoll(text_of("FAULT_AT"));
  std::atomic<int64_t> count = 0;
  std::mutex mutex;
};

Plan& plan() {
  static auto* made = new Plan;  // never goes: other destructors still write
  return *made;
}

template <class Function>
Function* real(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

bool counts(std::string_view path) {
  const std::string& root = plan().root;
  return !root.empty() && path.size() > root.size() && path.starts_with(root) && path[root.size()] == '/' &&
         !path.ends_with("-shm");
}

// The file behind a descriptor, or "" when it is none of ours.
std::string path_of(int fd) {
  if (plan().root.empty()) return "";
  char link[64], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t n = readlink(link, path, sizeof path);
  std::string out(path, n > 0 ? static_cast<size_t>(n) : 0);
  return counts(out) || out == plan().root ? out : "";
}

// A path as the program gave it, made absolute without following its last link.
std::string absolute(const char* path) {
  if (plan().root.empty()) return "";
  std::string text = path;
  while (text.size() > 1 && text.ends_with('/')) text.pop_back();
  const auto slash = text.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : slash == 0 ? "/" : text.substr(0, slash);
  char real_folder[PATH_MAX];
  if (realpath(folder.c_str(), real_folder) == nullptr) return "";
  const std::string out = std::string(real_folder) + "/" + text.substr(slash == std::string::npos ? 0 : slash + 1);
  return counts(out) ? out : "";
}

// One line "NUMBER OPERATION OFFSET BYTES PATH\tPATH2", the bytes, a line's end. NUMBER is what FAULT_AT counts, 0 for
// operations that meet no faults.
void log_operation(const char* name, const std::string& path, const std::string& other, int64_t offset,
                   std::string_view bytes, int64_t number = 0) {
  if (plan().log.empty()) return;
  const int saved = errno;
  const std::lock_guard lock(plan().mutex);
  const int fd = real<int(const char*, int, ...)>("open")(plan().log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  std::string record = std::to_string(number) + " " + name + " " + std::to_string(offset) + " " +
                       std::to_string(bytes.size()) + " " + path + "\t" + other + "\n";
  record += bytes;
  record += '\n';
  if (real<ssize_t(int, const void*, size_t)>("write")(fd, record.data(), record.size()) < 0) abort();
  real<int(int)>("close")(fd);
  errno = saved;
}

enum class Fate { go, fail, half };

thread_local int64_t number_of_this = 0;

Fate fate(bool writes, const std::string& path) {
  Plan& p = plan();
  if (!p.kill_on.empty() && path.find(p.kill_on) != std::string::npos) raise(SIGKILL);
  const int64_t number = number_of_this = ++p.count;
  if (p.at == 0 || number < p.at) return Fate::go;
  if (p.kind == "full") return writes ? Fate::fail : Fate::go;
  if (number > p.at) return Fate::go;
  if (p.kind == "kill") raise(SIGKILL);
  if (p.kind == "short") return writes ? Fate::half : Fate::go;
  return Fate::fail;
}

void kill_if_told(std::string_view bytes) {
  const std::string& text = plan().kill_after;
  if (!text.empty() && bytes.find(text) != std::string_view::npos) raise(SIGKILL);
}

int refused(int error) {
  errno = error;
  return -1;
}

// Any write: `offset` where it begins, `write_some(n)` writes the first n bytes.
template <class Write>
ssize_t any_write(int fd, int64_t offset, std::string_view bytes, const Write& write_some) {
  const std::string path = path_of(fd);
  if (path.empty()) return write_some(bytes.size());
  const Fate f = fate(true, path);
  if (f == Fate::fail) return refused(ENOSPC);
  const ssize_t n = write_some(f == Fate::half && bytes.size() > 1 ? bytes.size() / 2 : bytes.size());
  if (n > 0) {
    const auto done = bytes.substr(0, static_cast<size_t>(n));
    log_operation("write", path, "", offset, done, number_of_this);
    kill_if_told(done);
  }
  return n;
}

// Where a plain write will begin.
int64_t position(int fd) {
  if (plan().log.empty()) return 0;
  return (fcntl(fd, F_GETFL) & O_APPEND) != 0 ? lseek(fd, 0, SEEK_END) : lseek(fd, 0, SEEK_CUR);
}

int any_sync(int fd, const char* name) {
  const std::string path = path_of(fd);
  if (!path.empty() && fate(false, path) == Fate::fail) return refused(EIO);
  const int result = real<int(int)>(name)(fd);
  if (!path.empty() && result == 0) log_operation("sync", path, "", 0, "", number_of_this);
  return result;
}

int any_truncate(int fd, off_t size, const char* name) {
  const std::string path = path_of(fd);
  if (!path.empty() && fate(true, path) == Fate::fail) return refused(ENOSPC);
  const int result = real<int(int, off_t)>(name)(fd, size);
  if (!path.empty() && result == 0) log_operation("truncate", path, "", size, "", number_of_this);
  return result;
}

template <class Rename>
int any_rename(const char* from, const char* to, bool exchange, const Rename& rename_now) {
  const std::string path = absolute(from), other = absolute(to);
  if (!path.empty() && fate(false, path) == Fate::fail) return refused(EIO);
  const int result = rename_now();
  if (!path.empty() && result == 0) log_operation(exchange ? "exchange" : "rename", path, other, 0, "", number_of_this);
  return result;
}

int opened(int fd, int flags) {
  if (fd < 0 || (flags & (O_CREAT | O_TRUNC)) == 0) return fd;
  const std::string path = path_of(fd);
  if (!path.empty() && path != plan().root) log_operation((flags & O_TRUNC) != 0 ? "empty" : "create", path, "", 0, "");
  return fd;
}

int gone(int result, const std::string& path, const char* name) {
  if (result == 0 && !path.empty()) log_operation(name, path, "", 0, "");
  return result;
}

}  // namespace

#pragma GCC visibility push(default)
extern "C" {

ssize_t write(int fd, const void* data, size_t bytes) {
  const auto next = real<ssize_t(int, const void*, size_t)>("write");
  return any_write(fd, position(fd), {static_cast<const char*>(data), bytes},
                   [&](size_t n) { return next(fd, data, n); });
}

ssize_t pwrite(int fd, const void* data, size_t bytes, off_t offset) {
  const auto next = real<ssize_t(int, const void*, size_t, off_t)>("pwrite");
  return any_write(fd, offset, {static_cast<const char*>(data), bytes},
                   [&](size_t n) { return next(fd, data, n, offset); });
}

ssize_t pwrite64(int fd, const void* data, size_t bytes, off_t offset) {
  return pwrite(fd, data, bytes, offset);
}

ssize_t writev(int fd, const iovec* parts, int count) {
  if (path_of(fd).empty()) return real<ssize_t(int, const iovec*, int)>("writev")(fd, parts, count);
  std::string all;
  for (int i = 0; i < count; ++i) all.append(static_cast<const char*>(parts[i].iov_base), parts[i].iov_len);
  return write(fd, all.data(), all.size());
}

// Copies within the kernel: by hand, so that they are writes like others.
ssize_t sendfile(int to, int from, off_t* offset, size_t bytes) {
  if (path_of(to).empty()) return real<ssize_t(int, int, off_t*, size_t)>("sendfile")(to, from, offset, bytes);
  std::string buffer(bytes < 65536 ? bytes : 65536, 0);
  const ssize_t n =
      offset != nullptr ? pread(from, buffer.data(), buffer.size(), *offset) : read(from, buffer.data(), buffer.size());
  const ssize_t done = n <= 0 ? n : write(to, buffer.data(), static_cast<size_t>(n));
  if (done > 0 && offset != nullptr) *offset += done;
  return done;
}

ssize_t sendfile64(int to, int from, off_t* offset, size_t bytes) {
  return sendfile(to, from, offset, bytes);
}

ssize_t copy_file_range(int, off_t*, int, off_t*, size_t, unsigned) {
  return refused(ENOSYS);
}

int fsync(int fd) {
  return any_sync(fd, "fsync");
}
int fdatasync(int fd) {
  return any_sync(fd, "fdatasync");
}
int ftruncate(int fd, off_t size) {
  return any_truncate(fd, size, "ftruncate");
}
int ftruncate64(int fd, off_t size) {
  return any_truncate(fd, size, "ftruncate64");
}

int rename(const char* from, const char* to) {
  return any_rename(from, to, false, [&] { return real<int(const char*, const char*)>("rename")(from, to); });
}

int renameat2(int from_fd, const char* from, int to_fd, const char* to, unsigned flags) {
  return any_rename(from, to, flags == 2, [&] {
    return real<int(int, const char*, int, const char*, unsigned)>("renameat2")(from_fd, from, to_fd, to, flags);
  });
}

int open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  return opened(real<int(const char*, int, ...)>("open")(path, flags, mode), flags);
}

int open64(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  return opened(real<int(const char*, int, ...)>("open64")(path, flags, mode), flags);
}

FILE* fopen(const char* path, const char* mode) {
  FILE* file = real<FILE*(const char*, const char*)>("fopen")(path, mode);
  if (file != nullptr && mode[0] == 'w') opened(fileno(file), O_CREAT | O_TRUNC);
  if (file != nullptr && mode[0] == 'a') opened(fileno(file), O_CREAT);
  return file;
}

FILE* fopen64(const char* path, const char* mode) {
  return fopen(path, mode);
}

int unlink(const char* path) {
  const std::string name = absolute(path);
  return gone(real<int(const char*)>("unlink")(path), name, "unlink");
}

int remove(const char* path) {
  const std::string name = absolute(path);
  return gone(real<int(const char*)>("remove")(path), name, "unlink");
}

int unlinkat(int fd, const char* path, int flags) {
  const std::string folder = fd == AT_FDCWD ? "" : path_of(fd);
  const std::string name = folder.empty() ? absolute(path) : folder + "/" + path;
  return gone(real<int(int, const char*, int)>("unlinkat")(fd, path, flags), name, "unlink");
}

int rmdir(const char* path) {
  const std::string name = absolute(path);
  return gone(real<int(const char*)>("rmdir")(path), name, "unlink");
}

int link(const char* from, const char* to) {
  const int result = real<int(const char*, const char*)>("link")(from, to);
  if (result == 0 && !absolute(to).empty()) log_operation("link", absolute(from), absolute(to), 0, "");
  return result;
}

int mkdir(const char* path, mode_t mode) {
  return gone(real<int(const char*, mode_t)>("mkdir")(path, mode), absolute(path), "mkdir");
}

}  // extern "C"
#pragma GCC visibility pop

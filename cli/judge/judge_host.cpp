#include "cli/judge/judge_host.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <sstream>

#include "base/error.h"

namespace posttrain::cli {
namespace {

[[noreturn]] void unusable(const std::string& what) {
  throw Error("set-up", what + (errno != 0 ? std::string(": ") + std::strerror(errno) : ""));
}

bool exists(const std::string& path) {
  struct stat status {};
  return !path.empty() && lstat(path.c_str(), &status) == 0;
}

std::string content_of(const std::string& path) {
  const std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();  // a process may be gone between opening and reading: then there is no content
  return text.str();
}

bool same(const struct stat& a, const struct stat& b) {
  return a.st_ino == b.st_ino && a.st_mode == b.st_mode && a.st_uid == b.st_uid && a.st_gid == b.st_gid &&
         a.st_nlink == b.st_nlink && a.st_size == b.st_size && a.st_mtim.tv_sec == b.st_mtim.tv_sec &&
         a.st_mtim.tv_nsec == b.st_mtim.tv_nsec;
}

std::vector<std::string> entries(const char* folder) {
  std::vector<std::string> names;
  if (DIR* dir = opendir(folder)) {
    while (const dirent* entry = readdir(dir)) names.emplace_back(entry->d_name);
    closedir(dir);
  }
  return names;
}

struct ProcessLine {
  int pid = 0, parent = 0;
  char state = 'Z';
  std::string name;
};

std::vector<ProcessLine> all_processes() {
  std::vector<ProcessLine> all;
  for (const std::string& entry : entries("/proc")) {
    if (entry[0] < '1' || entry[0] > '9') continue;
    const std::string stat = content_of("/proc/" + entry + "/stat");
    const size_t open = stat.find('('), close = stat.rfind(')');
    if (close == std::string::npos || close + 4 > stat.size()) continue;
    ProcessLine line;
    line.pid = std::atoi(entry.c_str());
    line.name = stat.substr(open + 1, close - open - 1);
    line.state = stat[close + 2];
    line.parent = std::atoi(stat.c_str() + close + 4);
    all.push_back(line);
  }
  return all;
}

int64_t status_kib(const char* field) {
  const std::string status = content_of("/proc/self/status");
  const size_t at = status.find(field);
  return at == std::string::npos ? 0 : std::atoll(status.c_str() + at + std::strlen(field));
}

void remove_all(const SuiteSetup& setup) {
  for (const SuiteFile& file : setup.files) unlink(file.path.c_str());
  if (!setup.shared_file.path.empty()) unlink(setup.shared_file.path.c_str());
  for (const SuiteListener& listener : setup.listeners) {
    if (listener.kind == "path") unlink(listener.at.c_str());
  }
  for (const std::string& path : setup.must_not_exist) unlink(path.c_str());
  if (setup.sysv_key != 0) {
    const int segment = shmget(setup.sysv_key, 0, 0);
    if (segment >= 0) shmctl(segment, IPC_RMID, nullptr);
  }
}

}  // namespace

Bait::Bait(const SuiteSetup& setup, unsigned victim_user) : setup_(setup), victim_user_(victim_user) {
  errno = 0;
  std::vector<std::string> paths = setup.must_not_exist;
  for (const SuiteFile& file : setup.files) paths.push_back(file.path);
  for (const SuiteListener& listener : setup.listeners) {
    if (listener.kind == "path") paths.push_back(listener.at);
  }
  paths.push_back(setup.shared_file.path);
  for (const std::string& path : paths) {
    if (exists(path)) {
      errno = 0;
      unusable(path + " exists already");
    }
  }
  if (setup.sysv_key != 0 && shmget(setup.sysv_key, 0, 0) >= 0) unusable("the shared memory segment exists already");
  int line[2];
  if (pipe2(line, O_CLOEXEC) != 0) unusable("pipe");
  guard_ = fork();
  if (guard_ < 0) unusable("fork");
  if (guard_ == 0) {
    setsid();
    close(line[1]);
    char byte;
    while (read(line[0], &byte, 1) < 0 && errno == EINTR) {
    }
    remove_all(setup_);
    _exit(0);
  }
  close(line[0]);
  guard_line_ = line[1];
  try {
    make();
  } catch (...) {
    take_down();
    throw;
  }
}

Bait::~Bait() {
  take_down();
}

void Bait::take_down() {
  if (victim_ > 0) {
    kill(victim_, SIGKILL);
    waitpid(victim_, nullptr, 0);
  }
  for (const auto& [fd, kind] : listeners_) close(fd);
  for (const int fd : inherited_) close(fd);
  listeners_.clear();
  inherited_.clear();
  victim_ = -1;
  if (guard_line_ >= 0) close(guard_line_);
  guard_line_ = -1;
  if (guard_ > 0) waitpid(guard_, nullptr, 0);
  guard_ = -1;
}

void Bait::make() {
  for (const SuiteFile& file : setup_.files) files_.push_back({file, {}});
  if (!setup_.shared_file.path.empty()) files_.push_back({setup_.shared_file, {}});
  for (Watched& watched : files_) make_file(watched);
  for (const auto& [name, value] : setup_.environment) setenv(name.c_str(), value.c_str(), 1);
  if (!setup_.inherited_path.empty()) {
    const int fd = open(setup_.inherited_path.c_str(), O_RDONLY);
    if (fd < 0) unusable(setup_.inherited_path);
    inherited_.push_back(fd);
    if (setup_.inherited_also >= 0 && dup2(fd, setup_.inherited_also) >= 0) inherited_.push_back(setup_.inherited_also);
  }
  for (const SuiteListener& listener : setup_.listeners) make_listener(listener);
  if (setup_.sysv_key != 0) {
    const int segment =
        shmget(setup_.sysv_key, setup_.sysv_bytes, IPC_CREAT | IPC_EXCL | static_cast<int>(setup_.sysv_mode));
    void* memory = segment < 0 ? nullptr : shmat(segment, nullptr, 0);
    if (segment < 0 || memory == reinterpret_cast<void*>(-1)) unusable("System V shared memory");
    std::memcpy(memory, setup_.sysv_content.data(), std::min(setup_.sysv_content.size(), setup_.sysv_bytes));
    shmdt(memory);
  }
  if (!setup_.victim_name.empty()) start_victim();
}

void Bait::make_file(Watched& watched) {
  const SuiteFile& file = watched.file;
  const int fd = open(file.path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
  if (fd < 0) unusable(file.path);
  const bool good = write(fd, file.content.data(), file.content.size()) == static_cast<ssize_t>(file.content.size()) &&
                    fchmod(fd, file.mode) == 0 && fstat(fd, &watched.status) == 0;
  close(fd);
  if (!good) unusable(file.path);
}

void Bait::make_listener(const SuiteListener& listener) {
  const bool datagrams = listener.kind == "udp", local = listener.kind == "abstract" || listener.kind == "path";
  const int type = (datagrams ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK | SOCK_CLOEXEC;
  const int fd = socket(local ? AF_UNIX : AF_INET, type, 0);
  if (fd < 0) unusable("socket");
  listeners_.emplace_back(fd, listener.kind);
  int status;
  if (local) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const size_t offset = listener.kind == "abstract" ? 1 : 0;
    std::memcpy(address.sun_path + offset, listener.at.data(),
                std::min(listener.at.size(), sizeof address.sun_path - 2));
    const size_t length = offsetof(sockaddr_un, sun_path) + listener.at.size() + 1;
    status = bind(fd, reinterpret_cast<sockaddr*>(&address), static_cast<socklen_t>(length));
  } else {
    const size_t colon = listener.at.rfind(':');
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(std::atoi(listener.at.c_str() + colon + 1)));
    inet_pton(AF_INET, listener.at.substr(0, colon).c_str(), &address.sin_addr);
    const int yes = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    status = bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address);
  }
  if (status != 0 || (!datagrams && listen(fd, 16) != 0)) unusable(listener.kind + " " + listener.at);
}

void Bait::start_victim() {
  victim_ = fork();
  if (victim_ < 0) unusable("fork");
  if (victim_ > 0) return;
  prctl(PR_SET_NAME, setup_.victim_name.c_str());
  if (geteuid() == 0 && (setresgid(victim_user_, victim_user_, victim_user_) != 0 ||
                         setresuid(victim_user_, victim_user_, victim_user_) != 0)) {
    _exit(1);
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  prctl(PR_SET_DUMPABLE, 1);  // as reachable as any process of that user
  for (;;) pause();
}

std::string Bait::changes() {
  std::string what;
  const auto add = [&](const std::string& text) { what += (what.empty() ? "" : ", ") + text; };
  for (const std::string& path : setup_.must_not_exist) {
    if (!exists(path)) continue;
    add(path + " was made");
    unlink(path.c_str());
  }
  for (Watched& watched : files_) {
    struct stat now {};
    const std::string& path = watched.file.path;
    const bool there = lstat(path.c_str(), &now) == 0;
    if (there && same(now, watched.status) && content_of(path) == watched.file.content) continue;
    add(path + " changed");
    unlink(path.c_str());
    make_file(watched);
  }
  for (const auto& [fd, kind] : listeners_) {
    char byte;
    const int got = kind == "udp" ? static_cast<int>(recv(fd, &byte, 1, MSG_DONTWAIT | MSG_TRUNC))
                                  : accept4(fd, nullptr, nullptr, SOCK_CLOEXEC);
    if (got < 0) continue;
    add("the " + kind + " listener was reached");
    if (kind != "udp") close(got);
  }
  if (victim_ > 0) {
    const std::string stat = content_of("/proc/" + std::to_string(victim_) + "/stat");
    const size_t close = stat.rfind(')');
    const char state = close == std::string::npos ? 'X' : stat[close + 2];
    if (state == 'T' || state == 't') {
      add("the victim was stopped");
      kill(victim_, SIGCONT);
    } else if (state == 'X' || state == 'Z') {
      add("the victim was killed");
      waitpid(victim_, nullptr, WNOHANG);
      start_victim();
    }
  }
  return what;
}

std::vector<int> processes_named(const std::string& name) {
  std::vector<int> found;
  for (const ProcessLine& line : all_processes()) {
    if (line.name == name && line.state != 'Z' && line.state != 'X') found.push_back(line.pid);
  }
  return found;
}

size_t processes_below(int root) {
  const std::vector<ProcessLine> all = all_processes();
  std::map<int, int> parents;
  for (const ProcessLine& line : all) parents[line.pid] = line.parent;
  return static_cast<size_t>(std::ranges::count_if(all, [&](const ProcessLine& line) {
    if (line.state == 'Z' || line.state == 'X') return false;
    for (int pid = line.pid; pid > 1; pid = parents.contains(pid) ? parents[pid] : 0) {
      if (pid == root) return true;
    }
    return false;
  }));
}

std::vector<std::string> host_inventory() {
  std::vector<std::string> all;
  std::ifstream mounts("/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) all.push_back("mount " + line);
  std::ifstream segments("/proc/sysvipc/shm");
  for (std::string line; std::getline(segments, line);) all.push_back("segment " + line.substr(0, 22));
  for (const std::string& name : entries("/dev/shm")) all.push_back("/dev/shm/" + name);
  for (const char* folder : {"/tmp", "/var/tmp"}) {
    for (const std::string& name : entries(folder)) {
      if (name.find("sbx") != std::string::npos) all.push_back(std::string(folder) + "/" + name);
    }
  }
  for (const std::string& name : entries("/proc/self/fd")) all.push_back("descriptor " + name);
  for (const ProcessLine& line : all_processes()) {
    if (line.parent == getpid()) all.push_back("child " + line.name);
  }
  std::ranges::sort(all);
  return all;
}

void reset_peak_memory() {
  std::ofstream("/proc/self/clear_refs") << "5";
}
int64_t peak_memory_kib() {
  return status_kib("VmHWM:");
}
int64_t memory_kib() {
  return status_kib("VmRSS:");
}

}  // namespace posttrain::cli

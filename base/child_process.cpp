#include "base/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/process/args.hpp>
#include <boost/process/child.hpp>
#include <boost/process/env.hpp>
#include <boost/process/environment.hpp>
#include <boost/process/exe.hpp>
#include <boost/process/extend.hpp>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>

#include "base/error.h"

namespace posttrain {
namespace {

namespace process = boost::process;

constexpr size_t kKeptErrors = 4096;

// A descriptor that closes itself until it is taken.
struct End {
  int fd = -1;
  ~End() {
    if (fd >= 0) ::close(fd);
  }
  int take() { return std::exchange(fd, -1); }
};

struct Ends {
  End host, child;
};

[[noreturn]] void no_start(const std::string& command, const std::string& why) {
  throw Failure(command, "can't start: " + why);
}

// Sockets, so that writing to a child that has ended is an error and not a signal. `other` is for inherited streams.
void open_stream(ChildStream kind, int number, bool to_child, Ends& ends, const std::string& command) {
  if (kind == ChildStream::inherit) {
    ends.child.fd = ::fcntl(number, F_DUPFD_CLOEXEC, 3);
    if (ends.child.fd >= 0) return;
    kind = ChildStream::null;  // ours is closed
  }
  if (kind == ChildStream::null) {
    ends.child.fd = ::open("/dev/null", (to_child ? O_RDONLY : O_WRONLY) | O_CLOEXEC);
    if (ends.child.fd < 0) no_start(command, std::string("/dev/null: ") + std::strerror(errno));
    return;
  }
  int two[2];
  const int done = to_child ? ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, two) : ::pipe2(two, O_CLOEXEC);
  if (done != 0) no_start(command, std::strerror(errno));
  ends.host.fd = two[0];
  ends.child.fd = two[1];
  ::fcntl(ends.host.fd, F_SETFL, O_NONBLOCK);
}

// Everything between fork and exec.
struct Setup : process::extend::handler {
  const ChildCommand* command;
  std::array<int, 3> streams;
  std::vector<std::pair<int, int>> descriptors;  // moved out of each other's way first

  template <class Executor>
  void on_exec_setup(Executor&) {
    ::setsid();
    struct sigaction plain {};
    plain.sa_handler = SIG_DFL;
    for (int signal = 1; signal < NSIG; ++signal) ::sigaction(signal, &plain, nullptr);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    for (int number = 0; number < 3; ++number) ::dup2(streams[static_cast<size_t>(number)], number);
    for (const auto& [number, from] : descriptors) ::dup2(from, number);
    if (!command->folder.empty() && ::chdir(command->folder.c_str()) != 0) ::_exit(127);
    if (command->before_exec && !command->before_exec()) ::_exit(126);
  }
};

process::environment environment_of(const ChildCommand& command) {
  process::environment out;
  for (const std::string& entry : *command.environment) {
    const size_t equals = entry.find('=');
    if (equals != std::string::npos) out[entry.substr(0, equals)] = entry.substr(equals + 1);
  }
  return out;
}

std::string program_of(const ChildCommand& command) {
  if (command.argv.empty() || command.argv[0].empty()) throw Failure("child process", "no command");
  const std::string& name = command.argv[0];
  if (name.find('/') != std::string::npos) return name;
  const char* named = std::getenv("PATH");
  const std::string path = named != nullptr ? named : "/usr/local/bin:/usr/bin:/bin";
  for (size_t at = 0; at <= path.size();) {
    const size_t end = std::min(path.find(':', at), path.size());
    const std::filesystem::path file = std::filesystem::path(path.substr(at, end - at)) / name;
    if (std::error_code ignored; std::filesystem::is_regular_file(file, ignored) && ::access(file.c_str(), X_OK) == 0)
      return std::filesystem::absolute(file);
    at = end + 1;
  }
  no_start(name, "no such program in PATH");
}

pid_t launch(const ChildCommand& command, Setup& setup) {
  const std::string program = program_of(command);
  if (std::error_code ignored; !command.folder.empty() && !std::filesystem::is_directory(command.folder, ignored))
    no_start(command.argv[0], command.folder + " is no folder");
  const std::vector<std::string> arguments(command.argv.begin() + 1, command.argv.end());
  // Boost opens its own pipe without O_CLOEXEC: another child born in that moment would hold it, and the start would
  // wait for that one's end.
  static std::mutex one_at_a_time;
  const std::lock_guard lock(one_at_a_time);
  std::error_code error;
  process::child child = command.environment
                             ? process::child(process::exe = program, process::args = arguments,
                                              process::env = environment_of(command), setup, error)
                             : process::child(process::exe = program, process::args = arguments, setup, error);
  if (error) no_start(command.argv[0], error.message());
  const pid_t pid = child.id();
  child.detach();
  return pid;
}

}  // namespace

ChildProcess::ChildProcess(const ChildCommand& command) : show_errors_(command.show_errors) {
  const std::string name = command.argv.empty() ? "" : command.argv[0];
  std::array<Ends, 3> ends;
  open_stream(command.input, 0, true, ends[0], name);
  open_stream(command.output, 1, false, ends[1], name);
  open_stream(command.errors, 2, false, ends[2], name);
  Setup setup;
  setup.command = &command;
  for (size_t i = 0; i < 3; ++i) setup.streams[i] = ends[i].child.fd;
  std::vector<End> moved(command.descriptors.size());
  int above = 3;
  for (const auto& [number, from] : command.descriptors) above = std::max(above, number + 1);
  for (size_t i = 0; i < moved.size(); ++i) {
    moved[i].fd = ::fcntl(command.descriptors[i].second, F_DUPFD_CLOEXEC, above);
    if (moved[i].fd < 0) no_start(name, std::strerror(errno));
    setup.descriptors.emplace_back(command.descriptors[i].first, moved[i].fd);
  }
  pid_ = launch(command, setup);
  in_ = ends[0].host.take();
  out_ = ends[1].host.take();
  err_ = ends[2].host.take();
}

ChildProcess::~ChildProcess() {
  for (const int fd : {in_, out_, err_}) {
    if (fd >= 0) ::close(fd);
  }
  kill_group();
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

void ChildProcess::kill_group() {
  ::kill(-pid_, SIGKILL);
  ::kill(pid_, SIGKILL);
}

void ChildProcess::close_input() {
  if (in_ >= 0) ::close(std::exchange(in_, -1));
}

void ChildProcess::drain_errors() {
  char piece[4096];
  while (err_ >= 0) {
    const ssize_t n = ::read(err_, piece, sizeof piece);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) {
      ::close(std::exchange(err_, -1));
      return;
    }
    if (show_errors_ && ::write(2, piece, static_cast<size_t>(n)) < 0) show_errors_ = false;
    errors_.append(piece, static_cast<size_t>(n));
    if (errors_.size() > kKeptErrors) errors_.erase(0, errors_.size() - kKeptErrors);
  }
}

std::string ChildProcess::errors() {
  drain_errors();
  return errors_;
}

// Waits until something moves and moves it: input, output, errors. False at the deadline.
bool ChildProcess::pump(bool sending, std::string_view& text, size_t most, Deadline deadline) {
  const bool receiving = out_ >= 0 && !ended_ && buffer_.size() <= most;
  pollfd ends[3] = {{sending ? in_ : -1, POLLOUT, 0}, {receiving ? out_ : -1, POLLIN, 0}, {err_, POLLIN, 0}};
  const int ready = ::poll(ends, 3, milliseconds_until(deadline));
  if (ready < 0 && errno != EINTR) throw Failure("child process", std::strerror(errno));
  if (ready <= 0) return milliseconds_until(deadline) > 0;
  if (ends[2].revents != 0) drain_errors();
  if (ends[1].revents != 0) {
    char piece[65536];
    const ssize_t n = ::read(out_, piece, sizeof piece);
    if (n > 0) buffer_.append(piece, static_cast<size_t>(n));
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) ended_ = true;
  }
  if (ends[0].revents != 0) {
    const ssize_t n = ::send(in_, text.data(), text.size(), MSG_NOSIGNAL);
    if (n > 0) text.remove_prefix(static_cast<size_t>(n));
    if (n < 0 && errno != EAGAIN && errno != EINTR) close_input();
  }
  return true;
}

ChildIo ChildProcess::write(std::string_view text, Deadline deadline, size_t most) {
  while (!text.empty()) {
    if (in_ < 0) return ChildIo::ended;
    if (!pump(true, text, most, deadline)) return ChildIo::late;
  }
  return ChildIo::done;
}

ChildIo ChildProcess::read_until(std::string_view end, std::string& out, Deadline deadline, size_t most) {
  std::string_view nothing;
  size_t searched = 0;
  for (;;) {
    const size_t at = buffer_.find(end, searched);
    if (at != std::string::npos && at <= most) {
      out = buffer_.substr(0, at);
      buffer_.erase(0, at + end.size());
      return ChildIo::done;
    }
    searched = buffer_.size() - std::min(buffer_.size(), end.size() - 1);
    if (at != std::string::npos || buffer_.size() > most + end.size()) return ChildIo::too_long;
    if (ended_) return ChildIo::ended;
    if (!pump(false, nothing, most + end.size(), deadline)) return ChildIo::late;
  }
}

ChildIo ChildProcess::read_all(std::string& out, Deadline deadline, size_t most) {
  std::string_view nothing;
  while (!ended_) {
    if (buffer_.size() > most) return ChildIo::too_long;
    if (!pump(false, nothing, most, deadline)) return ChildIo::late;
  }
  if (buffer_.size() > most) return ChildIo::too_long;
  out = std::exchange(buffer_, {});
  return ChildIo::done;
}

std::optional<int> ChildProcess::wait(Deadline deadline) {
  for (useconds_t nap = 100; !status_; nap = std::min<useconds_t>(nap * 2, 20'000)) {
    // It is left as it is, a zombie, so that its group's number stays its own until the destructor.
    siginfo_t info{};
    const int done = ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT);
    if (done != 0 && errno != EINTR) throw Failure("child process", std::strerror(errno));
    if (done == 0 && info.si_pid == pid_) {
      status_ = info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
      continue;
    }
    if (milliseconds_until(deadline) == 0) return std::nullopt;
    drain_errors();  // or it might wait for us
    ::usleep(nap);
  }
  return status_;
}

ChildStarter::ChildStarter() : thread_([this] { run(); }) {}

ChildStarter::~ChildStarter() {
  {
    const std::lock_guard lock(mutex_);
    end_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void ChildStarter::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return end_ || work_; });
    if (!work_) return;
    work_();
    work_ = {};
    changed_.notify_all();
  }
}

std::unique_ptr<ChildProcess> ChildStarter::start(const ChildCommand& command) {
  const std::lock_guard turn(turn_);
  std::unique_ptr<ChildProcess> child;
  std::exception_ptr error;
  std::unique_lock lock(mutex_);
  work_ = [&] {
    try {
      child = std::make_unique<ChildProcess>(command);
    } catch (...) {
      error = std::current_exception();
    }
  };
  changed_.notify_all();
  changed_.wait(lock, [&] { return !work_; });
  if (error) std::rethrow_exception(error);
  return child;
}

}  // namespace posttrain

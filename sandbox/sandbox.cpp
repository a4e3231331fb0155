#include "sandbox/sandbox.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <thread>

#include "base/child_process.h"
#include "base/error.h"
#include "base/log.h"
#include "sandbox/launcher.h"

namespace posttrain::sandbox {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr double kGraceSeconds = 10;  // beyond a run's own wall limit, before its box counts as broken

constexpr struct {
  Layer layer;
  const char* name;
} kLayers[] = {{kNamespaces, "user, process, mount, ipc and host name namespaces"},
               {kNetwork, "an empty network namespace"},
               {kFileTree, "a read-only file tree with a bounded private folder"},
               {kSeccomp, "the system call filter (seccomp)"},
               {kLandlock, "Landlock"},
               {kNoNesting, "no further user namespaces inside"},
               {kPrivateProc, "a private /proc"},
               {kFreshPids, "process numbers that start again for each run"},
               {kPython, "the Python fork server"}};

std::string find_launcher(const Options& options) {
  if (!options.launcher.empty()) return options.launcher;
  if (const char* named = std::getenv("POSTTRAIN_LAUNCHER")) return named;
  return std::filesystem::read_symlink("/proc/self/exe").parent_path() / "posttrain-launcher";
}

std::string why(const std::string& step, int error) {
  return step + ": " + std::strerror(error);
}

struct Pipe {
  Fd in, out;
};
bool open_pipe(Pipe& pipe) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return false;
  pipe.in = Fd(ends[0]);
  pipe.out = Fd(ends[1]);
  // Programs of another user may open /dev/stdout by name.
  return fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0 && fchmod(ends[1], 0666) == 0;
}

// Reads what is there: keeps up to `cap` bytes, counts all. False at the end of the stream.
bool drain(const Fd& from, size_t cap, int64_t most, std::string& kept, int64_t& total) {
  char buffer[1 << 16];
  while (total <= most) {
    const ssize_t n = read(from.get(), buffer, sizeof buffer);
    if (n < 0) return errno == EAGAIN || errno == EINTR;
    if (n == 0) return false;
    total += n;
    if (kept.size() < cap) kept.append(buffer, std::min(static_cast<size_t>(n), cap - kept.size()));
  }
  return true;
}

// The exact meter has the last word on what was used; a limit that ended the run before stays.
void settle(const Metered& used, const Limits& limits, Outcome& outcome) {
  if (!used.good) {
    outcome.error = "the control group can't be read";
    return;
  }
  outcome.cpu_ms = static_cast<double>(used.cpu_us) / 1e3;
  outcome.memory_kib = used.memory_kib;
  if (outcome.stop != Stop::none) return;
  if (used.out_of_memory && (outcome.signal != 0 || outcome.exit_code != 0))
    outcome.stop = Stop::memory;
  else if (outcome.cpu_ms > limits.cpu_s * 1e3)
    outcome.stop = Stop::cpu;
}

}  // namespace

struct Sandbox::Launcher {
  std::unique_ptr<ChildProcess> child;
  Fd line;

  // One order and its answer; false when the launcher is gone or silent.
  bool ask(Order order, int index, int file, LauncherReply& reply, std::vector<Fd>& fds) const {
    const LauncherRequest request{order, index};
    std::string text;
    if (!send_message(line.get(), &request, sizeof request, "",
                      file >= 0 ? std::vector<int>{file} : std::vector<int>{})) {
      return false;
    }
    pollfd event{line.get(), POLLIN, 0};
    return poll(&event, 1, 30'000) == 1 && receive_message(line.get(), &reply, sizeof reply, text, fds);
  }
  ~Launcher() {
    line.reset();  // every process of the launcher ends by this
    if (child) child->wait(deadline_in(60));
  }
};

Sandbox::Sandbox(Options options) : options_(std::move(options)) {
  boxes_ = options_.boxes > 0 ? options_.boxes : static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  for (int i = 0; i < boxes_; ++i) free_.push_back(Slot{i, 0, 0, Fd(), nullptr});
  const std::lock_guard lock(mutex_);
  open_slot(free_.back());  // the first box shows what this machine gives
  const std::string missing = missing_layers(layers_, !options_.python.empty());
  if (missing.empty()) {
    log_info("sandbox: " + std::to_string(boxes_) + " boxes, the wall is whole, Landlock " +
             std::to_string(landlock_abi_) + ", metered by " + (groups_ ? "control groups" : "looks every 5 ms"));
    return;
  }
  if (options_.mode == Mode::require) {
    throw Failure("sandbox", "this machine does not give " + missing + "; \"sandbox\": \"warn\" would go on without");
  }
  log_warning("sandbox: WEAKENED: this machine does not give " + missing);
}

Sandbox::~Sandbox() = default;

uint64_t Sandbox::generation() const {
  const std::lock_guard lock(mutex_);
  return generation_;
}

int Sandbox::launcher_pid() const {
  const std::lock_guard lock(mutex_);
  return launcher_ ? launcher_->child->pid() : 0;
}

void Sandbox::start_launcher() {
  launcher_.reset();
  groups_.reset();
  ++generation_;
  const auto lent = [&](const auto& step) {
    try {
      step();
      return true;
    } catch (const Failure& failure) {
      if (options_.mode == Mode::require) throw;
      log_warning(std::string("sandbox: WEAKENED: no exact meter: ") + failure.what());
      return false;
    }
  };
  std::shared_ptr<ControlGroups> groups;
  if (!options_.cgroup.empty()) lent([&] { groups = std::make_shared<ControlGroups>(options_.cgroup); });
  const std::string path = find_launcher(options_);
  if (access(path.c_str(), X_OK) != 0) throw Failure("sandbox", why(path, errno));
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    throw Failure("sandbox", why("socketpair", errno));
  auto launcher = std::make_unique<Launcher>();
  launcher->line = Fd(ends[0]);
  const Fd other(ends[1]);
  ChildCommand command{.argv = {path, options_.python, std::to_string(geteuid() == 0 ? kFirstBoxUser : 0),
                                groups ? groups->folders() : ""},
                       .environment = std::vector<std::string>()};
  command.argv.insert(command.argv.end(), options_.runtime.begin(), options_.runtime.end());
  command.input = command.output = ChildStream::inherit;
  command.descriptors = {{3, other.get()}};
  launcher->child = starter_.start(command);
  launcher_ = std::move(launcher);
  // Only now, when there is somebody to remove them should this process be killed.
  if (groups && lent([&] { groups->make(); })) groups_ = std::move(groups);
}

void Sandbox::open_slot(Slot& slot) {
  slot.line.reset();
  LauncherReply reply;
  std::vector<Fd> fds;
  const bool asked = launcher_ && launcher_->ask(Order::new_box, slot.index, -1, reply, fds);
  if (!asked) {
    start_launcher();
    if (!launcher_->ask(Order::new_box, slot.index, -1, reply, fds)) {
      launcher_->line.reset();
      const std::optional<int> status = launcher_->child->wait(deadline_in(60));
      throw Failure("sandbox", "the launcher ended with status " + (status ? std::to_string(*status) : "none") +
                                   ": are user namespaces allowed here?");
    }
  }
  if (reply.error != 0 || fds.size() != 1) throw Failure("sandbox", why(reply.step, reply.error));
  Fd line = std::move(fds[0]);
  std::string text;
  pollfd event{line.get(), POLLIN, 0};
  if (poll(&event, 1, 60'000) != 1 || !receive_message(line.get(), &reply, sizeof reply, text, fds)) {
    throw Failure("sandbox", "a box did not start");
  }
  if (reply.error != 0) throw Failure("sandbox", why(std::string("a box did not start: ") + reply.step, reply.error));
  layers_ = reply.layers | (groups_ ? kCgroup : 0u);
  landlock_abi_ = reply.landlock_abi;
  slot.line = std::move(line);
  slot.generation = generation_;
  slot.groups = groups_;
  slot.runs = 0;
}

Sandbox::Slot Sandbox::acquire() {
  std::unique_lock lock(mutex_);
  freed_.wait(lock, [this] { return !free_.empty(); });
  Slot slot = std::move(free_.back());
  free_.pop_back();
  if (!slot.line || slot.generation != generation_ || slot.runs >= options_.runs_per_box) {
    try {
      open_slot(slot);
    } catch (...) {
      slot.line.reset();
      free_.push_back(std::move(slot));
      freed_.notify_one();
      throw;
    }
  }
  ++slot.runs;
  return slot;
}

void Sandbox::release(Slot slot) {
  {
    const std::lock_guard lock(mutex_);
    free_.push_back(std::move(slot));
  }
  freed_.notify_one();
}

bool Sandbox::add_header(int file) {
  const std::lock_guard lock(mutex_);
  LauncherReply reply;
  std::vector<Fd> fds;
  return launcher_ && launcher_->ask(Order::add_header, 0, file, reply, fds) && reply.error == 0;
}

Outcome Sandbox::run(const Job& job) {
  const auto broken = [](const std::string& what) {
    Outcome outcome;
    outcome.error = what;
    return outcome;
  };
  Slot slot;
  try {
    slot = acquire();
  } catch (const Error& error) {
    return broken(error.what());
  }
  Pipe out, err, record;
  const Fd input = memory_file(job.input.data(), job.input.size());
  bool ready = input && open_pipe(out) && (job.merge_errors || open_pipe(err));
  std::vector<int> fds = {input.get(), out.out.get(), job.merge_errors ? out.out.get() : err.out.get()};
  std::vector<Fd> owned;
  RunRequest request;
  request.kind = job.kind;
  request.limits = job.limits;
  request.arguments = static_cast<int32_t>(job.argv.size());
  request.files = static_cast<int32_t>(job.files.size());
  request.function = job.function ? 1 : 0;
  std::string text;
  const auto add_text = [&](const std::string& part) { text.append(part.c_str(), part.size() + 1); };
  for (const std::string& argument : job.argv) add_text(argument);
  for (const auto& [name, content] : job.files) {
    add_text(name);
    owned.push_back(memory_file(content.data(), content.size()));
  }
  if (!job.artefact.empty()) add_text(job.artefact);
  if (job.kind != Kind::command) fds.push_back(job.program);
  if (job.function) {
    owned.push_back(memory_file(job.arguments.data(), job.arguments.size()));
    ready = ready && open_pipe(record);
    fds.push_back(record.out.get());
  }
  for (const Fd& fd : owned) {
    ready = ready && fd;
    fds.push_back(fd.get());
  }
  std::unique_ptr<RunGroups> groups;
  if (slot.groups != nullptr) {
    groups = slot.groups->open(std::to_string(slot.index) + "-" + std::to_string(slot.runs), job.limits);
    ready = ready && groups != nullptr;
    if (groups != nullptr) {
      for (const Fd& door : groups->doors()) fds.push_back(door.get());
      request.groups = static_cast<int32_t>(groups->doors().size());
    }
  }
  if (!ready) {
    const std::string what = why("streams and control groups", errno);
    release(std::move(slot));
    return broken(what);
  }
  if (!send_message(slot.line.get(), &request, sizeof request, text, fds)) {
    slot.line.reset();
    release(std::move(slot));
    return broken("the box is gone");
  }
  out.out.reset();
  err.out.reset();
  record.out.reset();
  Outcome outcome = collect(slot, job, std::move(out.in), std::move(err.in), std::move(record.in));
  if (groups != nullptr && outcome.error.empty()) settle(groups->read(), job.limits, outcome);
  if (!outcome.error.empty()) slot.line.reset();
  groups.reset();
  release(std::move(slot));
  return outcome;
}

Outcome Sandbox::collect(Slot& slot, const Job& job, Fd out, Fd err, Fd record) const {
  Outcome outcome;
  const auto deadline = SteadyClock::now() + std::chrono::duration<double>(job.limits.wall_s + kGraceSeconds);
  const auto out_cap = static_cast<size_t>(job.limits.stdout_kib) * 1024;
  const auto err_cap = static_cast<size_t>(job.limits.stderr_kib) * 1024;
  constexpr int64_t kEndless = INT64_MAX / 2;
  bool told = false, answered = false;
  RunReply reply;
  const auto look = [&](int64_t most) {
    if (out && !drain(out, out_cap, job.merge_errors ? kEndless : most, outcome.out, outcome.out_bytes)) out.reset();
    if (err && !drain(err, err_cap, kEndless, outcome.err, outcome.err_bytes)) err.reset();
    if (record && !drain(record, out_cap, most, outcome.record, outcome.record_bytes)) record.reset();
  };
  const auto over = [&] {
    return !job.merge_errors && std::max(outcome.out_bytes, outcome.record_bytes) > static_cast<int64_t>(out_cap);
  };
  while (!answered) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - SteadyClock::now()).count();
    if (left <= 0) {
      outcome.error = "the box does not answer";
      return outcome;
    }
    const bool reading = !told;  // once over the limit, nothing more is read
    pollfd events[4] = {{slot.line.get(), POLLIN, 0},
                        {reading && out ? out.get() : -1, POLLIN, 0},
                        {err ? err.get() : -1, POLLIN, 0},
                        {reading && record ? record.get() : -1, POLLIN, 0}};
    if (poll(events, 4, static_cast<int>(std::min<int64_t>(left, 1000))) < 0 && errno != EINTR) {
      outcome.error = why("poll", errno);
      return outcome;
    }
    look(static_cast<int64_t>(out_cap));
    if (over() && !told) {
      told = true;
      (void)send(slot.line.get(), "k", 1, MSG_NOSIGNAL);
    }
    if (events[0].revents == 0) continue;
    std::string text;
    std::vector<Fd> fds;
    if (!receive_message(slot.line.get(), &reply, sizeof reply, text, fds)) {
      outcome.error = "the box is gone";
      return outcome;
    }
    answered = true;
    if (!fds.empty()) outcome.artefact = std::move(fds[0]);
  }
  look(static_cast<int64_t>(out_cap));  // nothing writes any more: the pipes hold the rest
  if (reply.error != 0) outcome.error = why(reply.step, reply.error);
  outcome.stop = reply.stop;
  if (over() && (reply.stop == Stop::none || reply.stop == Stop::request)) outcome.stop = Stop::output;
  outcome.exit_code = reply.exec_error != 0 ? 126 : reply.exit_code;
  outcome.signal = reply.signal;
  outcome.cpu_ms = static_cast<double>(reply.cpu_us) / 1e3;
  outcome.wall_ms = static_cast<double>(reply.wall_us) / 1e3;
  outcome.memory_kib = reply.memory_kib;
  outcome.disk_kib = reply.disk_kib;
  return outcome;
}

unsigned box_user(int index) {
  return geteuid() == 0 ? kFirstBoxUser + static_cast<unsigned>(index) % kBoxUsers : geteuid();
}

std::string missing_layers(uint32_t layers, bool python) {
  std::string missing;
  for (const auto& [layer, name] : kLayers) {
    if ((layers & layer) != 0 || (layer == kPython && !python)) continue;
    if (!missing.empty()) missing += ", ";
    missing += name;
  }
  return missing;
}

std::vector<std::pair<const char*, bool>> describe_layers(uint32_t layers) {
  std::vector<std::pair<const char*, bool>> all;
  for (const auto& [layer, name] : kLayers) all.emplace_back(name, (layers & layer) != 0);
  return all;
}

}  // namespace posttrain::sandbox

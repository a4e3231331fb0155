#include "rewards/plugin.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/clock.h"
#include "base/error.h"

extern char** environ;

namespace posttrain::rewards {

// One running child; its end is told by exceptions.
class PluginReward::Child {
 public:
  explicit Child(const std::vector<std::string>& command) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) throw Failure("plugin", std::strerror(errno));
    socket_ = ends[0];
    fcntl(socket_, F_SETFL, O_NONBLOCK);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 0);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);  // so that its own children can be ended with it
    std::vector<char*> words;
    for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    const int error = posix_spawnp(&pid_, words[0], &actions, &attributes, words.data(), environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    if (error != 0) {
      close(socket_);
      throw Failure("plugin", "can't start " + command[0] + ": " + std::strerror(error));
    }
  }
  ~Child() {
    close(socket_);
    kill(-pid_, SIGKILL);
    int status = 0;
    while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // Sends a line and waits for one. Throws Failure when the child is gone or `deadline` passes.
  std::string exchange(std::string_view line, Deadline deadline) {
    while (!line.empty()) {
      wait(POLLOUT, deadline);
      const ssize_t n = send(socket_, line.data(), line.size(), MSG_NOSIGNAL);
      if (n < 0 && errno != EAGAIN && errno != EINTR) throw Failure("plugin", "the child is gone");
      if (n > 0) line.remove_prefix(static_cast<size_t>(n));
    }
    constexpr size_t longest = 1 << 20;
    for (size_t end = buffer_.find('\n'); end == std::string::npos; end = buffer_.find('\n')) {
      if (buffer_.size() > longest) throw Failure("plugin", "the reply is longer than 1 MiB");
      wait(POLLIN, deadline);
      char bytes[4096];
      const ssize_t n = recv(socket_, bytes, sizeof bytes, 0);
      if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) throw Failure("plugin", "the child is gone");
      if (n > 0) buffer_.append(bytes, static_cast<size_t>(n));
    }
    const size_t end = buffer_.find('\n');
    std::string reply = buffer_.substr(0, end);
    buffer_.erase(0, end + 1);
    return reply;
  }

 private:
  void wait(short what, Deadline deadline) const {
    pollfd watched{socket_, what, 0};
    while (true) {
      const int left = milliseconds_until(deadline);
      if (left == 0) throw Failure("plugin", "the deadline passed");
      const int ready = poll(&watched, 1, left);
      if (ready > 0) return;
      if (ready < 0 && errno != EINTR) throw Failure("plugin", std::strerror(errno));
    }
  }

  int socket_ = -1;
  pid_t pid_ = -1;
  std::string buffer_;
};

namespace {

Score read_reply(const std::string& text, int64_t id) {
  const Json reply = parse_json(text, "plugin's reply");
  if (!reply.is_object() || reply.value("id", int64_t{-1}) != id)
    throw Error("plugin's reply", "id", std::to_string(id), text);
  if (reply.contains("reward") && reply["reward"].is_null())
    return {0, Verdict::failed, reply.value("detail", "no reward for this sample"), ""};
  if (!reply.contains("reward") || !reply["reward"].is_number())
    throw Error("plugin's reply", "reward", "a number", text);
  Score score{reply["reward"].get<double>(), Verdict::wrong, reply.value("detail", ""), reply.value("answer", "")};
  const std::string verdict = reply.value("verdict", score.value > 0 ? "right" : "wrong");
  for (const Verdict v : {Verdict::right, Verdict::wrong, Verdict::undecided, Verdict::failed}) {
    if (verdict == to_string(v)) {
      score.verdict = v;
      return score;
    }
  }
  throw Error("plugin's reply", "verdict", "right, wrong, undecided or failed", verdict);
}

}  // namespace

void PluginReward::Settings::visit(Visitor& v) {
  v("command", command, {.doc = "The program and its arguments", .required = true});
  v("deadline_s", deadline_s, {.doc = "Longest time for one sample, and for a start", .min = 0.01, .unit = "s"});
}

PluginReward::PluginReward(const Settings& settings) : settings_(settings) {
  if (settings.command.empty()) throw Error("plugin", "command", "a program", "nothing");
}

PluginReward::~PluginReward() = default;

Score PluginReward::ask(const std::string& request) const {
  std::unique_ptr<Child> child;
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      child = std::move(idle_.back());
      idle_.pop_back();
    }
  }
  if (!child) child = std::make_unique<Child>(settings_.command);
  Score score = read_reply(child->exchange(request, deadline_in(settings_.deadline_s)), 1);
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(child));
  return score;
}

Score PluginReward::score(const Sample& sample) const {
  Json request = {{"id", 1},
                  {"prompt", sample.prompt},
                  {"completion", sample.completion},
                  {"answer", sample.answer},
                  {"completion_tokens", sample.completion_tokens},
                  {"truncated", sample.truncated}};
  if (sample.extra != nullptr) request["extra"] = *sample.extra;
  if (sample.correctness != nullptr) request["correctness"] = to_string(*sample.correctness);
  const std::string line = to_line(request) + "\n";
  try {
    return ask(line);
  } catch (const std::exception&) {  // a child that died since its last answer deserves a second chance
    try {
      return ask(line);
    } catch (const std::exception& error) {
      return {0, Verdict::failed, error.what(), ""};
    }
  }
}

}  // namespace posttrain::rewards

#include "rewards/plugin_child.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>

#include "base/file.h"
#include "base/format.h"
#include "base/json.h"

namespace posttrain::rewards {
namespace {

constexpr size_t longest_reply = 16 << 20;

bool says_ready(const std::string& line) {
  try {
    const Json said = parse_json_line(line, "plugin's first line");
    return said.is_object() && said.value("ready", Json()) == Json(true);
  } catch (const Error&) {
    return false;  // no JSON: whoever reads the reply says so
  }
}

off_t size_of(int file) {
  struct stat about {};
  return fstat(file, &about) == 0 ? about.st_size : 0;
}

}  // namespace

PluginChild::PluginChild(ChildStarter& starter, const std::vector<std::string>& command, const std::string& folder,
                         int log)
    : log_(log), log_begin_(size_of(log)) {
  process_ = starter.start({.argv = command, .folder = folder, .errors = ChildStream::null, .descriptors = {{2, log}}});
}

std::string PluginChild::exchange(std::string_view line, const Limits& limits, const Limits& start) {
  std::string extra;
  if (started_ && process_->read_until("\n", extra, deadline_in(0), longest_reply) == ChildIo::done) {
    throw Failure("",
                  told("it wrote more than was asked for (one line answers one request, all else goes to stderr): \"" +
                       extra.substr(0, 200) + "\""));
  }
  set_limits(started_ ? limits : Limits{limits.cpu_s + start.cpu_s, limits.wall_s + start.wall_s});
  if (process_->write(std::string(line) + "\n", deadline_, longest_reply) == ChildIo::ended) end_of_child();
  std::string reply = read_line();
  if (!started_ && says_ready(reply)) {
    set_limits(limits);
    reply = read_line();
  }
  started_ = true;
  return reply;
}

std::string PluginChild::told(const std::string& what) const {
  constexpr off_t most_bytes = 2000;
  constexpr std::ptrdiff_t most_lines = 6;
  const off_t end = size_of(log_), begin = std::max(log_begin_, end - most_bytes);
  if (end <= begin) return what;
  std::string text(static_cast<size_t>(end - begin), '\0');
  const ssize_t n = pread(log_, text.data(), text.size(), begin);
  text.resize(static_cast<size_t>(std::max<ssize_t>(n, 0)));
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string one; std::getline(in, one);) {
    if (!one.empty()) lines.push_back(one);
  }
  if (std::ssize(lines) > most_lines) lines.erase(lines.begin(), lines.end() - most_lines);
  std::string out;
  for (const std::string& one : lines) out += (out.empty() ? "" : " | ") + one;
  return out.empty() ? what : what + "; its last words: " + out;
}

// A line that is there counts, however late this thread came to look.
std::string PluginChild::read_line() {
  constexpr double look_every_s = 0.25;
  std::string line;
  while (true) {
    const bool last = milliseconds_until(deadline_) == 0;
    switch (process_->read_until("\n", line, std::min(deadline_, deadline_in(look_every_s)), longest_reply)) {
      case ChildIo::done:
        return line;
      case ChildIo::ended:
        end_of_child();
      case ChildIo::too_long:
        throw Failure("", told("the reply is longer than 16 MiB"));
      case ChildIo::late:
        break;
    }
    if (last) throw Failure("", told(formatted("no reply within %g s", limits_.wall_s)));
    if (cpu_seconds() - cpu_begin_ > limits_.cpu_s)
      throw Failure("", told(formatted("no reply within %g s of processor time", limits_.cpu_s)));
  }
}

void PluginChild::set_limits(const Limits& limits) {
  limits_ = limits;
  cpu_begin_ = cpu_seconds();
  deadline_ = deadline_in(limits.wall_s);
}

// Of the child and of those of its children that have ended; 0 where the system does not tell.
double PluginChild::cpu_seconds() const {
  try {
    const std::string stat = read_file("/proc/" + std::to_string(process_->pid()) + "/stat");
    std::istringstream in(stat.substr(stat.rfind(')') + 1));  // a program's name may hold anything
    std::string skipped;
    for (int field = 3; field < 14; ++field) in >> skipped;
    double ticks = 0, one = 0;
    for (int field = 14; field < 18 && in >> one; ++field) ticks += one;
    return ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
  } catch (const Error&) {
    return 0;
  }
}

void PluginChild::end_of_child() {
  const auto status = process_->wait(deadline_in(1));
  throw ChildEnded("", told(!status         ? std::string("it closed its output")
                            : *status > 128 ? "it was ended by signal " + std::to_string(*status - 128)
                                            : "it ended with status " + std::to_string(*status)));
}

}  // namespace posttrain::rewards

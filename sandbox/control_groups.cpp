#include "sandbox/control_groups.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <sstream>

#include "base/error.h"

namespace posttrain::sandbox {
namespace {

// Version 1 has one tree a controller; these count memory, CPU time and processes. Version 2 has one for all.
constexpr const char* kControllers[] = {"memory", "cpuacct", "pids"};

bool lists(const std::string& commas, const std::string& word) {
  std::stringstream parts(commas);
  for (std::string part; std::getline(parts, part, ',');) {
    if (part == word) return true;
  }
  return false;
}

// Where this process's own group of a controller lies ("" names version 2); empty when it is not mounted. Formats:
// cgroups(7) and proc(5), mountinfo.
std::string own_group(const std::string& controller) {
  std::string own, line;
  for (std::ifstream in("/proc/self/cgroup"); std::getline(in, line);) {
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (controller.empty() ? line.starts_with("0::") : lists(controllers, controller)) own = line.substr(second + 1);
  }
  if (own.empty()) return "";
  for (std::ifstream in("/proc/self/mountinfo"); std::getline(in, line);) {
    std::stringstream fields(line);
    std::string skip, root, point, type, source, options;
    fields >> skip >> skip >> skip >> root >> point;
    while (fields >> skip && skip != "-") {
    }
    fields >> type >> source >> options;
    if (type != (controller.empty() ? "cgroup2" : "cgroup")) continue;
    if (!controller.empty() && !lists(options, controller)) continue;
    const bool inside = root != "/" && own.starts_with(root);
    return point + (inside ? own.substr(root.size()) : own == "/" ? "" : own);
  }
  return "";
}

std::string read_file(const std::string& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

// The number after `name` in a file of "name number" lines, or the first number of the file; -1 when it is not there.
int64_t counter(const std::string& path, const std::string& name = "") {
  std::stringstream text(read_file(path));
  int64_t value = -1;
  if (name.empty()) return text >> value ? value : -1;
  for (std::string word; text >> word >> value;) {
    if (word == name) return value;
  }
  return -1;
}

// The last process of a group may still be on its way out.
void remove_folder(const std::string& path) {
  for (int i = 0; i < 200 && rmdir(path.c_str()) != 0 && errno == EBUSY; ++i) usleep(1000);
}

// Version 2 hands controllers down only from a group without processes of its own.
bool hand_down(const std::string& group) {
  write_existing((group + "/cgroup.subtree_control").c_str(), "+pids");  // a bonus: processes are limited without it
  return write_existing((group + "/cgroup.subtree_control").c_str(), "+memory");
}

[[noreturn]] void refuse(const std::string& path, const std::string& why) {
  throw Failure("sandbox", "this machine lends no control group: " + path + ": " + why + ": " + std::strerror(errno));
}

}  // namespace

RunGroups::~RunGroups() {
  doors_.clear();
  for (const Folder& folder : folders_) remove_folder(folder.path);
}

Metered RunGroups::read() const {
  int64_t memory = -1, cpu = -1, killed = -1;
  for (const auto& [path, version] : folders_) {
    if (version == 2) {
      memory = counter(path + "/memory.peak");
      cpu = counter(path + "/cpu.stat", "usage_usec");
      killed = counter(path + "/memory.events", "oom_kill");
      continue;
    }
    memory = std::max(memory, counter(path + "/memory.max_usage_in_bytes"));
    killed = std::max(killed, counter(path + "/memory.oom_control", "oom_kill"));
    const int64_t nanoseconds = counter(path + "/cpuacct.usage");
    if (nanoseconds >= 0) cpu = nanoseconds / 1000;
  }
  return {memory >= 0 && cpu >= 0 && killed >= 0, memory / 1024, cpu, killed > 0};
}

ControlGroups::ControlGroups(const std::string& where) {
  const auto now = std::chrono::steady_clock::now().time_since_epoch().count();  // process numbers come again
  const std::string name = "/posttrain-" + std::to_string(getpid()) + "-" + std::to_string(now);
  const auto add = [&](const std::string& parent, int version) {
    const bool known = std::ranges::any_of(places_, [&](const Place& p) { return p.parent == parent; });
    if (!known) places_.push_back({parent, parent + name, version});  // controllers may share a tree
  };
  const bool own = where == "own";
  if (own && !own_group("memory").empty()) {
    for (const char* controller : kControllers) {
      const std::string group = own_group(controller);
      if (group.empty() && controller != std::string("pids")) refuse(controller, "no such controller is mounted");
      if (!group.empty()) add(group, 1);
    }
    return;
  }
  const std::string group = own ? own_group("") : where;
  if (group.empty()) refuse("/proc/self/cgroup", "no controller is mounted");
  add(group, 2);
}

void ControlGroups::make() {
  for (const auto& [parent, path, version] : places_) {
    if (version == 2 && !hand_down(parent))
      refuse(parent, "it can't hand its memory controller down; name an empty group that was lent");
    if (mkdir(path.c_str(), 0755) != 0) refuse(parent, "no group can be made");
    if (version == 2 && !hand_down(path)) refuse(path, "no memory controller");
  }
  const auto trial = open("trial", {});
  if (trial == nullptr || !trial->read().good) refuse(folders(), "its counters can't be read");
}

ControlGroups::~ControlGroups() {
  for (const Place& place : places_) remove_folder(place.path);
}

std::string ControlGroups::folders() const {
  std::string all;
  for (const Place& place : places_) all += (all.empty() ? "" : ":") + place.path;
  return all;
}

std::unique_ptr<RunGroups> ControlGroups::open(const std::string& name, const Limits& limits) const {
  auto run = std::make_unique<RunGroups>();
  const std::string bytes = std::to_string(limits.memory_mib << 20), pids = std::to_string(limits.pids);
  for (const Place& place : places_) {
    const std::string path = place.path + "/" + name;
    if (mkdir(path.c_str(), 0755) != 0) return nullptr;
    run->folders_.push_back({path, place.version});
    const std::string memory = path + (place.version == 2 ? "/memory.max" : "/memory.limit_in_bytes");
    if (access(memory.c_str(), F_OK) == 0 && !write_existing(memory.c_str(), bytes)) return nullptr;
    write_existing((path + "/memory.swap.max").c_str(), "0");
    write_existing((path + "/pids.max").c_str(), pids);
    Fd door(::open((path + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC));
    if (!door) return nullptr;
    run->doors_.push_back(std::move(door));
  }
  return run;
}

}  // namespace posttrain::sandbox

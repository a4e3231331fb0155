#include "base/machine.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>

#include "base/memory.h"
#include "base/parallel.h"

namespace posttrain {
namespace {

std::string cpu_name() {
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  }
  return "unknown";
}

}  // namespace

const char* const version = POSTTRAIN_VERSION;

Json machine_facts() {
  return {{"cpu", cpu_name()},
          {"threads", compute_threads()},
          {"free_memory_gb", std::round(static_cast<double>(available_memory_bytes()) / 1e7) / 100},
          {"compiler", "g++ " __VERSION__}};
}

std::vector<std::string> gpu_names(const std::string& driver_folder) {
  std::vector<std::string> names;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(driver_folder, none)) {
    std::ifstream in(entry.path() / "information");
    for (std::string line; std::getline(in, line);) {
      if (line.starts_with("Model:"))
        names.push_back(line.substr(std::min(line.size(), line.find_first_not_of(" \t", 6))));
    }
  }
  std::ranges::sort(names);
  return names;
}

}  // namespace posttrain

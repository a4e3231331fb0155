#include "base/machine.h"

#include <cmath>
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

}  // namespace posttrain

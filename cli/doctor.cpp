// posttrain doctor: what this machine offers and what that means for a run.
#include <sched.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>

#include "base/format.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "cli/arguments.h"
#include "nn/backend.h"

namespace posttrain::cli {
namespace {

// The value of the first "name : value" line of /proc/cpuinfo.
std::string cpu_info(const std::string& name) {
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with(name) && line.find(':') != std::string::npos) return line.substr(line.find(':') + 2);
  }
  return "unknown";
}

std::string vector_units() {
  const std::string flags = " " + cpu_info("flags") + " ";
  std::string found;
  for (const char* unit : {"avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16"}) {
    if (flags.find(std::string(" ") + unit + " ") != std::string::npos)
      found += (found.empty() ? "" : " ") + std::string(unit);
  }
  return found.empty() ? "none known" : found;
}

std::string gib(double bytes) {
  return formatted("%.1f GiB", bytes / (1 << 30));
}

int report(bool json) {
  const auto backend = nn::make_cpu_backend();
  std::error_code ignored;
  const auto disk = std::filesystem::space(std::filesystem::current_path(), ignored);
  Json out = {
      {"cpu", cpu_info("model name")},     {"vector_units", vector_units()},
      {"threads", compute_threads()},      {"memory_free_bytes", available_memory_bytes()},
      {"disk_free_bytes", disk.available}, {"folder_writable", access(".", W_OK) == 0},
      {"backend", backend->name()},        {"bit_exact", backend->keeps_order()},
  };
  if (json) {
    std::printf("%s\n", to_line(out).c_str());
    return 0;
  }
  const auto line = [](const char* name, const std::string& value) { std::printf("%-12s %s\n", name, value.c_str()); };
  line("CPU", out["cpu"]);
  line("Vectors", out["vector_units"]);
  line("Threads", std::to_string(compute_threads()));
  line("Memory", gib(out["memory_free_bytes"]) + " free");
  line("Disk", gib(out["disk_free_bytes"]) + " free here" +
                   (out["folder_writable"] ? "" : ", but this folder can't be written"));
  line("Backend", out["backend"]);
  line("Exactness", backend->keeps_order()
                        ? "sampler and trainer agree bit for bit at any batch size and thread count"
                        : "no kernel of ours is fast here: OpenBLAS is used and bits depend on the batch");
  return 0;
}

}  // namespace

Action doctor_command(Arguments& args) {
  auto json = std::make_shared<bool>(false);
  args.flag("--json", *json, "One JSON object");
  args.example("posttrain doctor");
  return [json] { return report(*json); };
}

}  // namespace posttrain::cli

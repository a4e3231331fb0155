// posttrain doctor: what this machine offers and what that means for a run.
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>

#include "base/error.h"
#include "base/format.h"
#include "base/json.h"
#include "base/machine.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "cli/arguments.h"
#include "nn/backend.h"
#include "pipeline/preflight/preflight.h"
#include "pipeline/recipe/plan.h"

namespace posttrain::cli {
namespace {

struct DoctorGiven {
  std::string recipe;
  std::vector<std::string> sets;
  bool json = false;
};

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
      {"cpu", cpu_info("model name")},
      {"vector_units", vector_units()},
      {"threads", compute_threads()},
      {"memory_free_bytes", available_memory_bytes()},
      {"disk_free_bytes", disk.available},
      {"folder_writable", access(".", W_OK) == 0},
      {"backend", backend->name()},
      {"bit_exact", backend->keeps_order()},
      {"gpus", gpu_names()},
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
  line("GPUs", std::to_string(out["gpus"].size()) + " found; none is used yet");
  line("Exactness", backend->keeps_order()
                        ? "sampler and trainer agree bit for bit at any batch size and thread count"
                        : "no kernel of ours is fast here: OpenBLAS is used and bits depend on the batch");
  return 0;
}

// What is wrong with a recipe, ten prompts as the model sees them, and how long a run takes.
int examine(const std::string& file, const std::vector<std::string>& sets) {
  const auto loaded = pipeline::load_recipe(file, sets);
  const auto findings = pipeline::preflight(loaded.recipe, {.source = &loaded.source});
  for (const auto& finding : findings) std::printf("%s\n", finding.text().c_str());
  if (findings.empty()) std::printf("%s: nothing wrong was found\n", file.c_str());
  const bool broken =
      std::ranges::any_of(findings, [](const auto& finding) { return finding.severity == pipeline::Severity::error; });
  try {
    constexpr int64_t shown = 10;
    int64_t number = 0;
    for (const std::string& prompt : pipeline::sample_prompts(loaded.recipe, shown))
      std::printf("prompt %lld: %s\n", static_cast<long long>(++number), to_line(Json(prompt)).c_str());
    set_compute_threads(static_cast<int>(loaded.recipe.threads));
    std::fputs(pipeline::plan_text(pipeline::plan_run(loaded.recipe, *nn::make_cpu_backend())).c_str(), stdout);
  } catch (const Error&) {
    if (!broken) throw;  // else told already
  }
  return broken ? 2 : 0;
}

}  // namespace

Action doctor_command(Arguments& args) {
  auto given = std::make_shared<DoctorGiven>();
  args.optional_positional("recipe", given->recipe, "A recipe to examine: findings, ten prompts, plan and time");
  args.option("--set", given->sets, "With a recipe: change a value");
  args.flag("--json", given->json, "The machine as one JSON object");
  args.example("posttrain doctor");
  args.example("posttrain doctor recipes/r1-zero.json");
  return [given] { return given->recipe.empty() ? report(given->json) : examine(given->recipe, given->sets); };
}

}  // namespace posttrain::cli

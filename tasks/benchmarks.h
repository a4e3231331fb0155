// The evaluations that papers report, by name: where their problems lie, how they are asked and how judged.
#pragma once

#include <filesystem>
#include <span>
#include <string_view>

#include "base/json.h"
#include "rewards/registry.h"

namespace posttrain::tasks {

struct Benchmark {
  const char* name;
  const char* file;      // within a folder of data sets
  const char* task;      // its type
  const char* settings;  // the other settings of the task, JSON
  const char* reward;    // its type
  const char* judged;    // the settings of the reward, JSON
  const char* system;    // what the system message of a conversation says when the user gives none
  const char* doc;
};

std::span<const Benchmark> benchmarks();
// Null when there is none of that name.
const Benchmark* find_benchmark(std::string_view name);
// The file of its problems; `data` is that file or a folder of data sets. Throws Error when it isn't there.
std::filesystem::path benchmark_file(const Benchmark& benchmark, const std::filesystem::path& data);

}  // namespace posttrain::tasks

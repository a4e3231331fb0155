// Runs the built program as a person would, in a folder of its own.
#pragma once

#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "base/file.h"
#include "base/json.h"
#include "base/temporary_folder.h"

namespace posttrain::e2e {

struct Result {
  int status = -1;  // exit status; 128 + signal when killed
  std::string out, err;
};

class ProgramTest : public testing::Test {
 protected:
  // kill_after: seconds until SIGKILL (or `signal`), negative = never. prepare runs in the child before exec.
  Result run(const std::vector<std::string>& arguments, double kill_after = -1, int signal_number = SIGKILL,
             const std::function<void()>& prepare = {}) const {
    const auto out = folder_ / "stdout.txt", err = folder_ / "stderr.txt";
    const pid_t child = fork();
    if (child == 0) {
      if (freopen(out.c_str(), "w", stdout) == nullptr || freopen(err.c_str(), "w", stderr) == nullptr) _exit(126);
      if (prepare) prepare();
      std::vector<char*> argv = {const_cast<char*>(POSTTRAIN_PROGRAM)};
      for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
      argv.push_back(nullptr);
      execv(POSTTRAIN_PROGRAM, argv.data());
      _exit(127);
    }
    if (kill_after >= 0) {
      for (int i = 0; i < 6000 && !once_there_.empty() && !std::filesystem::exists(once_there_); ++i) usleep(20'000);
      std::this_thread::sleep_for(std::chrono::duration<double>(kill_after));
      kill(child, signal_number);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), read_file(out), read_file(err)};
  }

  std::filesystem::path write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name) << text;
    return folder_ / name;
  }

  std::filesystem::path once_there_;  // kill_after counts from the moment at which this exists
  const TemporaryFolder temporary_;
  const std::filesystem::path folder_ = temporary_.path();
};

// A run of seconds: every stage type, in-loop evaluations, checkpoints at awkward places.
inline std::string tiny_recipe() {
  return R"({
    "model": {"arch": {"hidden": 16, "layers": 2, "heads": 2, "mlp": 32, "max_positions": 96, "rope_theta": 1000}},
    "task": {"type": "chain", "min_steps": 2, "max_steps": 3,
             "mix": {"facts": 0, "guess": 0.7, "broken": 0.3, "sloppy": 0, "steps": 0, "repaired": 0, "broken_steps": 0}},
    "rewards": [{"type": "exact"}, {"type": "format", "weight": 0.5}],
    "stages": [
      {"name": "base", "type": "sft", "data": [{"documents": 1500}], "steps": 80, "rows_per_step": 8, "save_every_steps": 7,
       "training": {"lr": 0.01, "warmup_steps": 5, "schedule": "cosine"}},
      {"name": "base-eval", "type": "eval", "role": "base", "problems": 12, "samples": 4, "sampling": {"max_new_tokens": 24}},
      {"name": "zero", "type": "grpo", "steps": 9, "prompts_per_step": 4, "samples_per_prompt": 4, "save_every_steps": 2,
       "sampling": {"max_new_tokens": 24}, "training": {"lr": 0.001},
       "eval": {"every_steps": 4, "problems": 6, "samples": 2, "sampling": {"max_new_tokens": 24}}},
      {"name": "final-eval", "type": "eval", "role": "final", "problems": 12, "samples": 4, "sampling": {"max_new_tokens": 24}}
    ]
  })";
}

// metrics.jsonl without what differs between equal runs: timings and rates.
inline std::string metrics_without_timings(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::string out;
  for (std::string line; std::getline(in, line);) {
    Json object = parse_json(line, file.string());
    Json kept = Json::object();
    for (const auto& [key, value] : object.items()) {
      if (!key.starts_with("timing_s/") && !key.starts_with("perf/") && key != "step_time") kept[key] = value;
    }
    out += to_line(kept) + "\n";
  }
  return out;
}

}  // namespace posttrain::e2e

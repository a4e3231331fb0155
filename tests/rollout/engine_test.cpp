// The engine's cache: how it grows, and that what was generated before does not change what follows.
#include "rollout/engine.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <string>

namespace posttrain::rollout {
namespace {

// A field of /proc/self/status in bytes.
int64_t status_bytes(const std::string& field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(field + ":")) return std::stoll(line.substr(field.size() + 1)) * 1024;
  }
  return 0;
}

EngineStats generate(Engine& engine, int32_t samples, int64_t tokens) {
  const std::vector<Request> requests = {{.prompt = {1}, .samples = samples, .key = {1, 2}}};
  return engine.generate(requests, {.max_new_tokens = tokens}, [](Completion&&) {});
}

TEST(Engine, ACacheThatGrowsGivesItsOldMemoryBackFirst) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the sanitizer has an address space of its own";
#endif
  const auto backend = nn::make_cpu_backend();
  const auto arch = model::llama_arch(40, 256, 16, 4, 4, 32, true);  // a block of the cache is a megabyte
  model::Transformer policy(*backend, arch, DType::f32, nn::Use::inference);
  Engine engine(policy, {}, {});
  generate(engine, 150, 1);
  const int64_t before = status_bytes("VmSize"), peak = status_bytes("VmPeak");
  generate(engine, 180, 1);
  constexpr int64_t pool = int64_t{300} << 20;  // two blocks an answer
  EXPECT_GT(before, pool);
  EXPECT_LT(status_bytes("VmPeak"), std::max(peak + 1, before + pool)) << "two pools at once";
}

TEST(Engine, UsesTheSameBlocksWhateverWasGeneratedBefore) {
  const auto backend = nn::make_cpu_backend();
  const auto arch = model::llama_arch(40, 16, 1, 2, 2, 32, true);
  model::Transformer policy(*backend, arch, DType::f32, nn::Use::inference);
  Engine fresh(policy, {.max_sequences = 4}, {}), used(policy, {.max_sequences = 4}, {});
  generate(used, 4, 300);
  const auto a = generate(fresh, 9, 70), b = generate(used, 9, 70);
  EXPECT_EQ(a.steps, b.steps);
  EXPECT_EQ(a.preemptions, b.preemptions);
  EXPECT_EQ(a.prompt_tokens, b.prompt_tokens);
}

}  // namespace
}  // namespace posttrain::rollout

#include "parity/parity.h"

#include <gtest/gtest.h>

namespace posttrain::parity {
namespace {

class Fixtures : public testing::TestWithParam<const char*> {};

TEST_P(Fixtures, AgreesWithTransformersWithinTheFixturesTolerances) {
  const auto dir = std::filesystem::path(POSTTRAIN_SOURCE_DIR "/../shared/fixtures/models") / GetParam();
  if (!std::filesystem::exists(dir)) GTEST_SKIP() << "no ../shared";
  const auto backend = nn::make_cpu_backend();
  const ParityResult result = check_parity(*backend, dir, {});
  EXPECT_TRUE(result.pass) << result.to_json();
}

INSTANTIATE_TEST_SUITE_P(All, Fixtures,
                         testing::Values("llama_tied", "llama_untied_mha", "llama31_rope", "smollm2_gqa9", "qwen2_tied",
                                         "qwen2_swa", "qwen2_bf16", "qwen3", "qwen3_sharded", "gemma2", "phi3",
                                         "qwen3_moe", "deepseek_v3"),
                         [](const auto& fixture) { return std::string(fixture.param); });

// Tiny models of our own (tests/goldens/make_model_goldens.py), so that every family is compared in any checkout.
TEST(Parity, AgreesWithOurOwnGoldens) {
  const auto backend = nn::make_cpu_backend();
  int compared = 0;
  for (const auto& entry : std::filesystem::directory_iterator(POSTTRAIN_SOURCE_DIR "/tests/goldens")) {
    if (!std::filesystem::exists(entry.path() / "grads.safetensors")) continue;
    const ParityResult result = check_parity(*backend, entry.path(), {});
    EXPECT_TRUE(result.pass) << result.to_json();
    ++compared;
  }
  EXPECT_GE(compared, 8);
}

}  // namespace
}  // namespace posttrain::parity

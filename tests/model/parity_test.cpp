#include "model/parity.h"

#include <gtest/gtest.h>

namespace posttrain::model {
namespace {

class Parity : public testing::TestWithParam<const char*> {};

TEST_P(Parity, AgreesWithTransformersWithinTheFixturesTolerances) {
  const auto dir = std::filesystem::path(POSTTRAIN_SOURCE_DIR "/../shared/fixtures/models") / GetParam();
  if (!std::filesystem::exists(dir)) GTEST_SKIP() << "no ../shared";
  const auto backend = nn::make_cpu_backend();
  const ParityResult result = check_parity(*backend, dir, {});
  EXPECT_TRUE(result.pass) << result.to_json();
}

INSTANTIATE_TEST_SUITE_P(Fixtures, Parity,
                         testing::Values("llama_tied", "llama_untied_mha", "llama31_rope", "smollm2_gqa9", "qwen2_tied",
                                         "qwen2_swa", "qwen2_bf16", "qwen3", "qwen3_sharded", "gemma2", "phi3",
                                         "qwen3_moe", "deepseek_v3"),
                         [](const auto& fixture) { return std::string(fixture.param); });

}  // namespace
}  // namespace posttrain::model

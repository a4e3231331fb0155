#include "parity/rl_parity.h"

#include <gtest/gtest.h>

namespace posttrain::parity {
namespace {

TEST(RlParity, EveryObjectivePreferenceAndDistillationCaseMadeByTrlIsMet) {
  const std::filesystem::path root = POSTTRAIN_SOURCE_DIR "/../shared/fixtures/rl";
  if (!std::filesystem::exists(root)) GTEST_SKIP() << "no fixtures beside the checkout";
  const auto backend = nn::make_cpu_backend();
  for (const char* name : {"qwen2_rl", "qwen3_rl"}) {
    const auto results = check_rl_parity(*backend, root / name, {});
    EXPECT_EQ(results.size(), 24u);
    for (const auto& result : results) EXPECT_TRUE(result.pass) << name << " " << result.to_json();
  }
}

}  // namespace
}  // namespace posttrain::parity

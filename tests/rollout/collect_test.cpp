// Samples reach their rewards with what the group knows: the lengths of its shortest and its longest answer.
#include "rollout/collect.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/temporary_folder.h"
#include "model/transformer.h"
#include "text/char_tokenizer.h"

namespace posttrain::rollout {
namespace {

TEST(Collector, ARewardOfLengthsSeesTheShortestAndTheLongestOfItsOwnGroup) {
  const TemporaryFolder folder;
  write_char_tokenizer(chain_vocabulary(), folder.path());
  const Tokenizer tokenizer = Tokenizer::load(folder.path());
  const auto backend = nn::make_cpu_backend();
  model::Transformer policy(*backend, model::llama_arch(tokenizer.vocab_size(), 16, 1, 2, 2, 32, false), DType::f32,
                            nn::Use::inference);
  policy.init_random(7, {});
  Engine engine(policy, {}, tokenizer.stop_ids());
  const rewards::RewardSet rewards({{"kimi_length", 1, Json::object()}, {"exact", 0, Json::object()}});
  rewards::ScoringPool pool(rewards, 2);
  Collector collector(engine, pool, tokenizer, [&](const text::Problem& p) { return tokenizer.encode(p.prompt); });
  std::vector<text::Problem> problems;
  for (const char* prompt : {"1=", "2=", "3="}) problems.push_back({.id = prompt, .prompt = prompt, .answer = "never"});

  CollectStats stats;
  SamplingSettings sampling;
  sampling.max_new_tokens = 40;
  const auto groups = collector.collect(problems, 8, sampling, {.seed = 1, .stage = 2, .step = 3}, stats);
  ASSERT_EQ(groups.size(), 3u);
  int spread = 0;
  for (const ScoredGroup& group : groups) {
    std::vector<double> lengths;
    for (const Answer& answer : group.answers) lengths.push_back(static_cast<double>(answer.completion.ids.size()));
    const auto [shortest, longest] = std::ranges::minmax(lengths);
    spread += longest > shortest;
    for (size_t i = 0; i < lengths.size(); ++i) {
      const double share = longest > shortest ? (lengths[i] - shortest) / (longest - shortest) : 0.5;
      EXPECT_DOUBLE_EQ(group.answers[i].outcome.parts[0].value, std::min(0.0, 0.5 - share)) << "all are wrong";
    }
  }
  EXPECT_GT(spread, 0) << "answers of different lengths, or nothing was tested";
}

}  // namespace
}  // namespace posttrain::rollout

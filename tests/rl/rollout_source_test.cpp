// Which problems are asked, and which weights answer them. The model is random; its likeliest answers are made the gold
// answers of the problems that it is to solve.
#include "rl/rollout_source.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "base/temporary_folder.h"
#include "rl/rollout_batch.h"
#include "text/char_tokenizer.h"

namespace posttrain::rl {
namespace {

// Six problems "1=" to "6=" in order, over and over.
class SixProblems : public text::Task {
 public:
  int64_t size(text::Split) const override { return 6; }
  text::Problem problem(text::Split, uint64_t, uint64_t index) const override {
    const std::string digit(1, static_cast<char>('1' + index % 6));
    const auto gold = golds.find(digit);
    return {.id = digit, .prompt = digit + "=", .answer = gold == golds.end() ? "never" : gold->second, .extra = {}};
  }
  text::Document document(text::Source, uint64_t, uint64_t) const override { return {}; }
  std::map<std::string, std::string> golds;
};

class RolloutSourceTest : public testing::Test {
 protected:
  const TemporaryFolder temporary_;
  const std::filesystem::path folder_ = temporary_.path();

  RolloutSourceTest() {
    write_char_tokenizer(chain_vocabulary(), folder_);
    tokenizer_ = std::make_unique<Tokenizer>(Tokenizer::load(folder_));
    policy_ = make_model(*backend_, nn::Use::training);
    policy_->init_random(7, {});
    sampler_ = make_model(*sampler_backend_, nn::Use::inference);
    settings_.prompts_per_step = 3;
    settings_.samples_per_prompt = 2;
    settings_.steps = 100;
    settings_.sampling.temperature = 0;
    settings_.sampling.max_new_tokens = 3;
  }

  std::unique_ptr<model::Transformer> make_model(nn::Backend& backend, nn::Use use) const {
    return std::make_unique<model::Transformer>(
        backend, model::llama_arch(tokenizer_->vocab_size(), 16, 1, 2, 2, 32, false), DType::f32, use);
  }
  GrpoContext context(bool with_sampler) {
    engine_ = std::make_unique<rollout::Engine>(with_sampler ? *sampler_ : *policy_, rollout::EngineSettings{},
                                                tokenizer_->stop_ids());
    collector_ = std::make_unique<rollout::Collector>(
        *engine_, pool_, *tokenizer_, [this](const text::Problem& p) { return tokenizer_->encode(p.prompt); });
    learner_ = std::make_unique<model::Learner>(*policy_, model::OptimizerSettings{});
    return {.policy = *policy_,
            .reference = nullptr,
            .sampler = with_sampler ? sampler_.get() : nullptr,
            .learner = *learner_,
            .engine = *engine_,
            .collector = *collector_,
            .task = task_,
            .seed = 1,
            .stage = 2};
  }
  static std::string asked(const Rollout& rollout) {
    std::string ids;
    for (const auto& group : rollout.groups) ids += group.problem.id;
    return ids;
  }
  static double metric(const Rollout& rollout, const std::string& name) {
    for (const auto& [key, value] : rollout.metrics) {
      if (key == name) return value;
    }
    ADD_FAILURE() << "no " << name;
    return -1;
  }

  std::unique_ptr<nn::Backend> backend_ = nn::make_cpu_backend(), sampler_backend_ = nn::make_cpu_backend();
  std::unique_ptr<Tokenizer> tokenizer_;
  std::unique_ptr<model::Transformer> policy_, sampler_;
  rewards::RewardSet rewards_ = rewards::RewardSet({{"exact", 1, Json{{"tag", ""}, {"think", "off"}}}});
  rewards::ScoringPool pool_{rewards_, 1};
  SixProblems task_;
  std::unique_ptr<rollout::Engine> engine_;
  std::unique_ptr<rollout::Collector> collector_;
  std::unique_ptr<model::Learner> learner_;
  GrpoSettings settings_;
  PhaseCallback quiet_ = [](const char*, int64_t, int64_t, int64_t) {};
};

TEST_F(RolloutSourceTest, ASolvedProblemIsNotAskedAgain) {
  settings_.curriculum.enabled = true;
  RolloutSource look(context(false), settings_);
  const auto seen = look.take(0, quiet_);
  task_.golds["2"] = seen.groups[1].answers[0].text;
  RolloutSource source(context(false), settings_);
  EXPECT_EQ(asked(source.take(0, quiet_)), "123");
  EXPECT_EQ(asked(source.take(1, quiet_)), "456");
  const auto third = source.take(2, quiet_);
  EXPECT_EQ(asked(third), "134");
  EXPECT_EQ(metric(third, "curriculum/solved"), 1);
  EXPECT_EQ(metric(third, "curriculum/passed_over"), 1);
  RolloutSource resumed(context(false), settings_);
  resumed.restore(source.cursor());
  EXPECT_EQ(asked(resumed.take(3, quiet_)), "561");
  EXPECT_EQ(asked(resumed.take(4, quiet_)), "345") << "2 stays solved after a resume";
}

TEST_F(RolloutSourceTest, WhenEverythingIsSolvedTheProblemsAreAskedAllTheSame) {
  settings_.curriculum.enabled = true;
  settings_.curriculum.solved = 0;  // every answer is good enough
  RolloutSource source(context(false), settings_);
  source.take(0, quiet_);
  source.take(1, quiet_);
  EXPECT_EQ(source.take(2, quiet_).groups.size(), 3u);
}

TEST_F(RolloutSourceTest, RefillsOfGroupsWithoutSpreadAreBounded) {
  settings_.dynamic_sampling = {.enabled = true, .max_rounds = 3};  // greedy answers: no group has spread
  RolloutSource source(context(false), settings_);
  const auto rollout = source.take(0, quiet_);
  EXPECT_EQ(metric(rollout, "dynamic_sampling/rounds"), 3);
  EXPECT_EQ(rollout.groups.size(), 3u);
  EXPECT_EQ(source.cursor()["problems_drawn"], 9);
}

// Untrained answers of different lengths, none right: only a penalty tells them apart.
TEST_F(RolloutSourceTest, DynamicSamplingAsksForRightAndWrongAnswersAndNotForShapedRewards) {
  const rewards::RewardSet shaped({{"exact", 1, Json{{"tag", ""}}}, {"overlong", 1, Json{{"cache_tokens", 50}}}});
  rewards::ScoringPool pool(shaped, 1);
  settings_.sampling.temperature = 1;
  settings_.sampling.max_new_tokens = 60;
  settings_.samples_per_prompt = 8;
  settings_.dynamic_sampling = {.enabled = true, .max_rounds = 3};
  auto context = this->context(false);
  rollout::Collector collector(*engine_, pool, *tokenizer_,
                               [this](const text::Problem& p) { return tokenizer_->encode(p.prompt); });
  const GrpoContext scored{.policy = context.policy,
                           .reference = nullptr,
                           .learner = context.learner,
                           .engine = context.engine,
                           .collector = collector,
                           .task = task_,
                           .seed = 1,
                           .stage = 2};
  const auto rollout = RolloutSource(scored, settings_).take(0, quiet_);
  EXPECT_EQ(metric(rollout, "dynamic_sampling/rounds"), 3);
  EXPECT_EQ(metric(rollout, "dynamic_sampling/filled_up"), 3);
  EXPECT_EQ(metric(rollout, "frac_reward_zero_std"), 1);
  EXPECT_GT(metric(rollout, "reward_std"), 0) << "the rewards do differ";
  RolloutBatch batch(rollout.groups, false, 60);
  batch.compute_advantages(objective_preset("dapo"));
  for (const double a : batch.advantage) EXPECT_EQ(a, 0) << "wrong answers in a group without a right one";

  settings_.dynamic_sampling.by = FilterBy::reward;
  const auto by_reward = RolloutSource(scored, settings_).take(0, quiet_);
  EXPECT_EQ(metric(by_reward, "dynamic_sampling/rounds"), 1);
  settings_.dynamic_sampling.by = FilterBy::automatic;
  auto shapes_only = scored;
  shapes_only.judges = false;
  EXPECT_EQ(metric(RolloutSource(shapes_only, settings_).take(0, quiet_), "dynamic_sampling/rounds"), 1);
}

TEST_F(RolloutSourceTest, RolloutsDrawnAheadComeFromTheWeightsBeforeTheUpdate) {
  settings_.staleness = 1;
  settings_.sampling.temperature = 1;
  const auto context = this->context(true);
  RolloutSource source(context, settings_), fresh(context, settings_);
  const auto before = fresh.take(0, quiet_);
  EXPECT_EQ(asked(source.take(0, quiet_)), "123");
  source.draw_ahead(1);
  const auto ahead = [&] {
    policy_->init_random(8, {});  // the "update", while the rollouts are drawn
    return source.take(1, quiet_);
  }();
  EXPECT_EQ(asked(ahead), "456");
  EXPECT_EQ(metric(ahead, "staleness/max"), 1);
  for (const auto& group : ahead.groups) {
    for (const auto& answer : group.answers) EXPECT_EQ(answer.completion.policy_version, 0);
  }
  // The same draws from the same old weights without a background.
  policy_->init_random(7, {});
  RolloutSource again(context, settings_);
  again.take(0, quiet_);
  const auto expected = again.take(1, quiet_);
  EXPECT_EQ(metric(expected, "staleness/max"), 0);
  for (size_t g = 0; g < 3; ++g) {
    for (size_t a = 0; a < 2; ++a) {
      EXPECT_EQ(ahead.groups[g].answers[a].completion.ids, expected.groups[g].answers[a].completion.ids);
      EXPECT_EQ(ahead.groups[g].answers[a].completion.logp, expected.groups[g].answers[a].completion.logp);
    }
  }
}

}  // namespace
}  // namespace posttrain::rl

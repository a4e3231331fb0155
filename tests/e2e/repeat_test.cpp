// Promise 2: the same recipe gives the same bytes, with any number of threads and however often the run is killed.
#include <cmath>

#include "base/rng.h"
#include "store/store.h"
#include "tests/e2e/program.h"

namespace posttrain::e2e {
namespace {

struct Fingerprint {
  std::string weights, metrics, content;
};

// The first lines that differ, or "".
std::string first_difference(const std::string& got, const std::string& expected) {
  std::istringstream a(got), b(expected);
  for (std::string x, y; true;) {
    const bool more_a = static_cast<bool>(std::getline(a, x)), more_b = static_cast<bool>(std::getline(b, y));
    if (!more_a && !more_b) return "";
    if (more_a != more_b || x != y) return "got " + (more_a ? x : "(end)") + "\nexpected " + (more_b ? y : "(end)");
  }
}

class Repeat : public ProgramTest {
 protected:
  Fingerprint fingerprint(const std::string& out) const {
    return {read_file(folder_ / out / "final" / "model.safetensors"),
            metrics_without_timings(folder_ / out / "metrics.jsonl"),
            store::Store(folder_ / out / "run.db", store::Mode::read_only).content()};
  }
  void run_whole(const std::string& out, const std::string& threads) const {
    const auto result = run({"run", (folder_ / "tiny.json").string(), "--out", (folder_ / out).string(), "--progress",
                             "none", "--set", "threads=" + threads});
    ASSERT_EQ(result.status, 0) << result.err;
  }
};

TEST_F(Repeat, TwoRunsAndOneOrTwoThreadsGiveTheSameBytes) {
  write("tiny.json", tiny_recipe());
  run_whole("a", "2");
  run_whole("b", "2");
  run_whole("c", "1");
  const auto a = fingerprint("a"), b = fingerprint("b"), c = fingerprint("c");
  EXPECT_TRUE(a.weights == b.weights);
  EXPECT_EQ(first_difference(a.metrics, b.metrics), "");
  EXPECT_EQ(first_difference(a.content, b.content), "");
  EXPECT_TRUE(a.weights == c.weights);
  EXPECT_EQ(first_difference(a.metrics, c.metrics), "");
}

// The next rollout is drawn while a step trains, with a correction for the one update it lags behind.
std::string recipe_one_step_off() {
  std::string recipe = tiny_recipe();
  const std::string key = "\"samples_per_prompt\": 4, ";
  recipe.insert(recipe.find(key) + key.size(),
                R"("staleness": 1, "objective": {"preset": "dapo", "importance": "token_truncate"}, )");
  return recipe;
}

// The reference follows the policy slowly: it is state that a resumed stage must find again.
std::string recipe_moving_reference() {
  std::string recipe = tiny_recipe();
  const std::string key = "\"samples_per_prompt\": 4, ";
  recipe.insert(recipe.find(key) + key.size(), R"("reference_refresh_steps": 3, "reference_mix": 0.6,
                "objective": {"preset": "grpo"}, )");
  return recipe;
}

// A model's grades are drawn too, and belong to the step.
std::string recipe_with_judge() {
  std::string recipe = tiny_recipe();
  const std::string key = "\"samples_per_prompt\": 4, ";
  recipe.insert(recipe.find(key) + key.size(),
                R"("model_rewards": [{"stage": "base", "weight": 1, "judge": {"mode": "grade",
                "prompt": "{prompt}", "best_grade": 100000, "votes": 2, "sampling": {"max_new_tokens": 8}}}], )");
  return recipe;
}

TEST_F(Repeat, RolloutsOneStepAheadAreRepeatableAndTheirStalenessIsLogged) {
  write("tiny.json", recipe_one_step_off());
  run_whole("a", "2");
  run_whole("b", "1");
  const auto a = fingerprint("a"), b = fingerprint("b");
  EXPECT_TRUE(a.weights == b.weights);
  EXPECT_EQ(first_difference(a.metrics, b.metrics), "");
  const store::Store run(folder_ / "a" / "run.db", store::Mode::read_only);
  std::string staleness;
  for (const auto& point : run.curve("staleness/max")) staleness += std::to_string(std::lround(point.value));
  EXPECT_EQ(staleness, "010101010") << "every second step follows a checkpoint and draws fresh";
  for (const auto& point : run.curve("logp_mismatch_max")) EXPECT_EQ(point.value, 0) << "fresh rollouts are exact";
}

class Killed : public Repeat, public testing::WithParamInterface<std::string (*)()> {};

TEST_P(Killed, AtRandomMomentsAndResumedItEndsInTheSameBytes) {
  write("tiny.json", GetParam()());
  const auto start = std::chrono::steady_clock::now();
  run_whole("whole", "2");
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const auto expected = fingerprint("whole");
  Rng rng({static_cast<uint64_t>(getpid())});
  for (int round = 0; round < 4; ++round) {
    const std::string out = "killed" + std::to_string(round);
    std::vector<std::string> arguments = {
        "run",      (folder_ / "tiny.json").string(), "--out", (folder_ / out).string(), "--progress", "none", "--set",
        "threads=2"};
    int kills = 0;
    for (; kills < 40; ++kills) {
      const double moment = seconds * rng.uniform() * (kills < 6 ? 0.6 : 2 + kills);
      const auto result = run(arguments, moment);
      if (result.status == 0) break;
      ASSERT_EQ(result.status, 128 + SIGKILL) << "after " << moment << " s: " << result.err;
      const bool begun = std::filesystem::exists(folder_ / out / "recipe.resolved.json");
      if (begun) {
        arguments = {"run", "--resume", "--out", (folder_ / out).string(), "--progress", "none"};
      } else {
        std::filesystem::remove_all(folder_ / out);
      }
    }
    const auto got = fingerprint(out);
    EXPECT_TRUE(got.weights == expected.weights) << kills << " kills";
    EXPECT_EQ(first_difference(got.metrics, expected.metrics), "") << kills << " kills";
    EXPECT_EQ(first_difference(got.content, expected.content), "") << kills << " kills";
  }
}

std::string case_name(const testing::TestParamInfo<std::string (*)()>& tested) {
  constexpr const char* names[] = {"InStep", "OneStepOff", "MovingReference", "Judge"};
  return names[tested.index];
}
INSTANTIATE_TEST_SUITE_P(Repeat, Killed,
                         testing::Values(&tiny_recipe, &recipe_one_step_off, &recipe_moving_reference,
                                         &recipe_with_judge),
                         case_name);

TEST_F(Repeat, AnInterruptFinishesTheStepSavesAndSaysHowToGoOn) {
  write("tiny.json", tiny_recipe());
  run_whole("whole", "2");
  once_there_ = folder_ / "cut" / "metrics.jsonl";
  const auto result = run({"run", (folder_ / "tiny.json").string(), "--out", (folder_ / "cut").string(), "--set",
                           "threads=2", "--set", "stages.base.steps=100000", "--progress", "plain"},
                          0.2, SIGINT);
  EXPECT_EQ(result.status, 130) << result.err;
  EXPECT_NE((result.out + result.err).find("--resume --out"), std::string::npos) << result.err;
}

TEST_F(Repeat, SamplerAndTrainerAgreeBitForBitAndTheFirstRatioIsOne) {
  write("tiny.json", tiny_recipe());
  run_whole("a", "2");
  std::ifstream in(folder_ / "a" / "metrics.jsonl");
  int steps = 0;
  for (std::string line; std::getline(in, line);) {
    const Json object = parse_json(line, "metrics");
    if (!object.contains("logp_mismatch_max")) continue;
    ++steps;
    EXPECT_EQ(object["logp_mismatch_max"].get<double>(), 0.0);
    EXPECT_EQ(object["first_ratio_min"].get<double>(), 1.0);
    EXPECT_EQ(object["first_ratio_max"].get<double>(), 1.0);
  }
  EXPECT_EQ(steps, 9);
  const Json summary = read_json(folder_ / "a" / "summary.json");
  EXPECT_EQ(summary["logp_mismatch_max"].get<double>(), 0.0);
  for (const char* side : {"base", "final"}) {
    for (const char* key : {"pass@1", "mean_length", "format"})
      EXPECT_TRUE(summary[side][key].is_number()) << side << key;
  }
}

}  // namespace
}  // namespace posttrain::e2e

// Settings that ruin a run are noticed while it goes: a learning rate far too high, sampling far too hot.
#include <set>

#include "report/summary.h"
#include "store/store.h"
#include "tests/e2e/program.h"

namespace posttrain::e2e {
namespace {

// Chains of two steps: the base writes the work in some answers and guesses in others; RL improves it in 25 steps.
std::string recipe(const std::string& grpo) {
  return R"({
    "model": {"arch": {"hidden": 32, "layers": 2, "heads": 2, "mlp": 64, "max_positions": 96, "rope_theta": 1000}},
    "task": {"type": "chain", "min_steps": 2, "max_steps": 2,
             "mix": {"facts": 0.3, "guess": 0.3, "broken": 0, "sloppy": 0, "steps": 0.4, "repaired": 0, "broken_steps": 0}},
    "rewards": [{"type": "exact"}, {"type": "format", "weight": 0.5}],
    "stages": [
      {"name": "base", "type": "sft", "data": [{"documents": 6000}], "steps": 400, "save_every_steps": 50, "rows_per_step": 16, "row_tokens": 129,
       "training": {"lr": 0.01, "warmup_steps": 20, "schedule": "cosine", "beta2": 0.98}},
      {"name": "rl", "type": "grpo", "steps": 40, "prompts_per_step": 8, "samples_per_prompt": 8, )" +
         grpo + R"(},
      {"name": "end", "type": "eval", "split": "valid", "problems": 32, "samples": 8, "sampling": {"max_new_tokens": 32}}
    ]
  })";
}

class Collapse : public ProgramTest {
 protected:
  static constexpr int rl = 1, end = 2;

  store::Store ran(const std::string& grpo) const {
    write("r.json", recipe(grpo));
    const auto result =
        run({"run", (folder_ / "r.json").string(), "--out", (folder_ / "run").string(), "--progress", "plain"});
    EXPECT_EQ(result.status, 0) << result.err;
    err_ = result.err;
    return store::Store(folder_ / "run" / "run.db", store::Mode::read_only);
  }
  static std::set<std::string> codes(const store::Store& store) {
    std::set<std::string> out;
    for (const auto& alert : store.alerts()) out.insert(alert.code);
    return out;
  }
  static double pass_at_1(const store::Store& store, int stage, int64_t step) {
    for (const auto& eval : store.evals()) {
      if (eval.stage == stage && eval.step == step) return report::metric(eval.metrics, "pass@1");
    }
    return -1;
  }
  mutable std::string err_;
};

TEST_F(Collapse, ARightLearningRateRaisesNoAlarm) {
  const auto store = ran(
      R"("sampling": {"max_new_tokens": 32}, "training": {"lr": 0.0005},
         "eval": {"every_steps": 20, "problems": 32, "samples": 8, "stop_on_collapse": true, "sampling": {"max_new_tokens": 32}})");
  EXPECT_EQ(codes(store), std::set<std::string>{});
  EXPECT_EQ(store.last_step(rl), 40);
  EXPECT_GT(pass_at_1(store, end, 0), pass_at_1(store, rl, 0));
}

TEST_F(Collapse, ALearningRateFarTooHighIsSaidStopsTheStageAndLeavesTheBestWeights) {
  const auto store = ran(
      R"("sampling": {"max_new_tokens": 32}, "training": {"lr": 0.02},
         "eval": {"every_steps": 5, "keep": "best", "stop_on_collapse": true, "problems": 32, "samples": 8,
                  "sampling": {"max_new_tokens": 32}})");
  EXPECT_TRUE(codes(store).contains("collapse"));
  EXPECT_NE(err_.find("collapsed and ends after step"), std::string::npos) << err_;
  ASSERT_TRUE(store.last_step(rl).has_value());
  EXPECT_LT(*store.last_step(rl), 40);
  double best = 0;
  for (const auto& eval : store.evals()) {
    if (eval.stage == rl) best = std::max(best, report::metric(eval.metrics, "pass@1"));
  }
  EXPECT_LT(pass_at_1(store, rl, *store.last_step(rl)), 0.5 * best);
  EXPECT_EQ(pass_at_1(store, end, 0), best);  // the same problems and draws, so the same number
  EXPECT_FALSE(std::filesystem::exists(folder_ / "run/checkpoints/rl/best"));
}

TEST_F(Collapse, SamplingFarTooHotTeachesToGuessAndIsSaid) {
  const auto store = ran(R"("sampling": {"max_new_tokens": 32, "temperature": 1.6}, "training": {"lr": 0.001},
                            "eval": {"every_steps": 20, "problems": 32, "samples": 8, "sampling": {"max_new_tokens": 32}})");
  EXPECT_TRUE(codes(store).contains("length-collapse"));
  EXPECT_LT(pass_at_1(store, end, 0), pass_at_1(store, rl, 0));
}

TEST_F(Collapse, ARunThatWasKilledKeepsTheSameBestWeights) {
  const std::string grpo =
      R"("save_every_steps": 3, "sampling": {"max_new_tokens": 32}, "training": {"lr": 0.005},
         "eval": {"every_steps": 4, "keep": "best", "problems": 32, "samples": 8, "sampling": {"max_new_tokens": 32}})";
  const std::string content = ran(grpo).content();
  const std::string weights = read_file(folder_ / "run" / "final" / "model.safetensors");
  // Killed again and again until once within the stage that keeps its best; then resumed to the end.
  const auto again = folder_ / "again";
  const auto steps = [&]() -> int64_t {
    if (!std::filesystem::exists(again / "recipe.resolved.json")) return 0;
    return store::Store(again / "run.db", store::Mode::read_only).last_step(rl).value_or(0);
  };
  const std::vector<std::string> begin = {"run", (folder_ / "r.json").string(), "--out", again.string(), "--progress",
                                          "none"};
  const std::vector<std::string> resume = {"run", "--resume", "--out", again.string(), "--progress", "none"};
  for (int tries = 0; tries < 60 && steps() == 0; ++tries) {
    const bool begun = std::filesystem::exists(again / "recipe.resolved.json");
    if (!begun) std::filesystem::remove_all(again);
    run(begun ? resume : begin, 0.6 + 0.05 * tries);
  }
  if (steps() == 0 || steps() == 40) GTEST_SKIP() << "this machine is too busy to be hit within a stage";
  const auto resumed = run(resume);
  ASSERT_EQ(resumed.status, 0) << resumed.err;
  EXPECT_EQ(store::Store(folder_ / "again" / "run.db", store::Mode::read_only).content(), content);
  EXPECT_TRUE(read_file(folder_ / "again" / "final" / "model.safetensors") == weights);
}

}  // namespace
}  // namespace posttrain::e2e

// What a plan says of memory is what a run takes: within a tenth or 32 MB of the peak, over all tiny recipes.
#include <algorithm>
#include <map>

#include "tests/e2e/program.h"

namespace posttrain::e2e {
namespace {

class MemoryOfRecipes : public ProgramTest, public testing::WithParamInterface<const char*> {};

// Two steps of every stage; what is drawn and evaluated side by side stays as it is.
std::vector<std::string> shortened(const Json& plan) {
  std::vector<std::string> settings;
  for (const Json& stage : plan.at("stages")) {
    const auto type = stage.at("type").get<std::string>(), name = stage.at("name").get<std::string>();
    const auto set = [&](const std::string& key, const char* value) {
      settings.insert(settings.end(), {"--set", "stages." + name + "." + key + "=" + value});
    };
    if (type == "sft" || type == "grpo" || type == "dpo" || type == "distill" || type == "reward_model") {
      set("steps", "2");
      set("training.warmup_steps", "0");
      if (type != "grpo" && type != "distill") set("epochs", "1");  // the default: it acts where steps are 0 only
    }
    if (type == "eval") {
      set("problems", "16");
      set("samples", "4");
    }
    if (type == "reject") set("prompts", "16");
    if (type == "grpo") set("eval.problems", "8");
  }
  return settings;
}

TEST_P(MemoryOfRecipes, IsPlannedWithinATenthOr32MegabytesOfThePeak) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the sanitizer takes memory of its own";
#endif
  const std::string recipe = std::string(POSTTRAIN_SOURCE_DIR) + "/recipes/" + GetParam() + ".json";
  const auto plan = [&](std::vector<std::string> settings) {
    std::vector<std::string> arguments = {"run", recipe, "--out", (folder_ / "run").string(), "--dry-run", "--json"};
    arguments.insert(arguments.end(), settings.begin(), settings.end());
    const auto result = run(arguments);
    EXPECT_EQ(result.status, 0) << result.err;
    const auto end = result.out.find_last_not_of('\n') + 1, last = result.out.rfind('\n', end - 1) + 1;
    return parse_json(result.out.substr(last, end - last), "plan");  // warnings stand before it
  };
  const auto settings = shortened(plan({}));
  std::map<std::string, double> planned;
  const Json short_plan = plan(settings);
  for (const Json& stage : short_plan.at("stages")) {
    if (stage.contains("memory_bytes")) planned[stage["name"]] = stage["memory_bytes"].get<double>();
  }
  std::vector<std::string> arguments = {"run", recipe, "--out", (folder_ / "run").string(), "--progress", "none"};
  arguments.insert(arguments.end(), settings.begin(), settings.end());
  run(arguments);  // it may end early: two steps teach too little for the stages that want right answers
  // The peak only rises: it is to be compared with the largest plan so far.
  std::vector<std::string> order;
  std::map<std::string, double> peak;
  std::ifstream metrics(folder_ / "run" / "metrics.jsonl");
  for (std::string line; std::getline(metrics, line);) {
    const Json row = parse_json(line, "metrics");
    if (!row.contains("perf/cpu_memory_used_gb")) continue;
    const auto stage = row.at("stage").get<std::string>();
    if (!peak.contains(stage)) order.push_back(stage);
    peak[stage] = std::max(peak[stage], row["perf/cpu_memory_used_gb"].get<double>() * 1e9);
  }
  ASSERT_FALSE(order.empty());
  double most = 0;
  for (const auto& stage : order) {
    ASSERT_TRUE(planned.contains(stage)) << stage;
    most = std::max(most, planned[stage]);
    EXPECT_NEAR(most, peak[stage], std::max(0.1 * peak[stage], 32e6)) << GetParam() << " " << stage;
  }
}

INSTANTIATE_TEST_SUITE_P(Tiny, MemoryOfRecipes,
                         testing::Values("smoke", "r1-zero", "r1-tiny", "dpo-tiny", "deepseekmath-tiny", "coder-tiny",
                                         "prover-tiny", "distill-tiny"),
                         [](const auto& tested) {
                           std::string name = tested.param;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace posttrain::e2e

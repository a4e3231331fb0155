// Every stage type in one run, run again from the middle, and planned without running.
#include "tests/e2e/program.h"

namespace posttrain::e2e {
namespace {

std::string every_stage() {
  return R"({
    "model": {"arch": {"hidden": 16, "layers": 2, "heads": 2, "mlp": 32, "max_positions": 96, "rope_theta": 1000}},
    "task": {"type": "chain", "min_steps": 2, "max_steps": 3,
             "mix": {"facts": 0, "guess": 0.7, "broken": 0.3, "sloppy": 0, "steps": 0, "repaired": 0, "broken_steps": 0}},
    "rewards": [{"type": "exact"}, {"type": "format", "weight": 0.5}],
    "stages": [
      {"name": "base", "type": "sft", "data": [{"documents": 1500}], "steps": 60, "rows_per_step": 8, "neftune_alpha": 1,
       "training": {"lr": 0.01, "warmup_steps": 5, "schedule": "cosine"}},
      {"name": "sample", "type": "reject", "prompts": 60, "samples_per_prompt": 8, "pairs_per_prompt": 2,
       "sampling": {"max_new_tokens": 24}},
      {"name": "dpo", "type": "dpo", "from": "base", "pairs": {"stage": "sample"}, "pairs_per_step": 16,
       "training": {"lr": 0.001}},
      {"name": "scorer", "type": "reward_model", "from": "base", "pairs": {"stage": "sample"}, "pairs_per_step": 16,
       "training": {"lr": 0.003}},
      {"name": "votes", "type": "judge", "from": "base", "candidates": "dpo", "prompts": 10,
       "judge": {"prompt": "{prompt}{a}|{b}:", "first": "a", "second": "b"}, "sampling": {"max_new_tokens": 24}},
      {"name": "zero", "type": "grpo", "from": "dpo", "steps": 4, "prompts_per_step": 4, "samples_per_prompt": 4,
       "save_every_steps": 1, "reference_refresh_steps": 2, "reference_mix": 0.5,
       "model_rewards": [{"stage": "scorer", "weight": 0.1}],
       "sampling": {"max_new_tokens": 24}, "training": {"lr": 0.001}},
      {"name": "student", "type": "distill", "teacher": "zero", "on_policy_share": 0, "top_k": 8, "beta": 0,
       "model": {"arch": {"hidden": 8, "layers": 1, "heads": 1, "mlp": 16, "max_positions": 96, "rope_theta": 1000}},
       "data": [{"source": "stage", "stage": "sample"}], "steps": 3, "prompts_per_step": 16,
       "sampling": {"max_new_tokens": 24}, "training": {"lr": 0.01}},
      {"name": "on-policy", "type": "distill", "teacher": "zero", "steps": 2, "prompts_per_step": 8,
       "sampling": {"max_new_tokens": 24}, "training": {"lr": 0.01}},
      {"name": "file", "type": "export", "format": "gguf", "dtype": "f32"}
    ]
  })";
}

class Stages : public ProgramTest {
 protected:
  void SetUp() override { write("all.json", every_stage()); }
  Result start(const std::string& out, const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments = {
        "run", (folder_ / "all.json").string(), "--out", (folder_ / out).string(), "--progress", "none"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(arguments);
  }
  std::string weights(const std::string& out, const std::string& stage) const {
    return read_file(folder_ / out / "checkpoints" / stage / "model" / "model.safetensors");
  }
};

TEST_F(Stages, OfEveryTypeRunAndLeaveWhatLaterOnesNeed) {
  const auto result = start("a");
  ASSERT_EQ(result.status, 0) << result.err;
  for (const char* left : {"data/sample.jsonl", "data/sample.pairs.jsonl", "data/votes.pairs.jsonl",
                           "data/student.teacher", "export/file.gguf", "final/model.safetensors"}) {
    EXPECT_TRUE(std::filesystem::exists(folder_ / "a" / left)) << left;
  }
  EXPECT_EQ(read_file(folder_ / "a" / "final" / "model.safetensors"), weights("a", "on-policy"))
      << "the run ends with the last model that answers prompts";
}

TEST_F(Stages, RunAgainFromTheMiddleTheyGiveTheSameBytes) {
  ASSERT_EQ(start("a").status, 0);
  const auto first = weights("a", "on-policy"), base = weights("a", "base");
  const auto again = run({"run", "--from", "scorer", "--out", (folder_ / "a").string(), "--progress", "none"});
  ASSERT_EQ(again.status, 0) << again.err;
  EXPECT_TRUE(weights("a", "on-policy") == first);
  EXPECT_TRUE(weights("a", "base") == base);
}

TEST_F(Stages, RunAgainWithOtherSettingsOfLaterStagesOnly) {
  ASSERT_EQ(start("a").status, 0);
  const auto before = weights("a", "zero");
  const auto changed = start("a", {"--from", "zero", "--set", "stages.zero.training.lr=0.002"});
  ASSERT_EQ(changed.status, 0) << changed.err;
  EXPECT_FALSE(weights("a", "zero") == before);
  const auto refused = start("a", {"--from", "zero", "--set", "stages.base.steps=61"});
  EXPECT_EQ(refused.status, 2);
  EXPECT_NE(refused.err.find("stages[0].steps"), std::string::npos) << refused.err;
  const auto unknown = start("a", {"--from", "zeros"});
  EXPECT_EQ(unknown.status, 2);
  EXPECT_NE(unknown.err.find("zero"), std::string::npos) << unknown.err;
}

TEST_F(Stages, StoppedAndResumedWhereTheReferenceIsRenewedTheyEndInTheSameBytes) {
  ASSERT_EQ(start("a").status, 0);
  // Wherever the interrupts fall: the reference of a moving average must come back with the checkpoint.
  std::vector<std::string> arguments = {
      "run", (folder_ / "all.json").string(), "--out", (folder_ / "b").string(), "--progress", "none"};
  int stops = 0;
  for (double moment = 0.2; stops < 30; moment += 0.05) {
    const auto result = run(arguments, moment, SIGINT);
    if (result.status == 0) break;
    ASSERT_EQ(result.status, 130) << result.err;
    if (!std::filesystem::exists(folder_ / "b" / "run.db")) continue;
    arguments = {"run", "--resume", "--out", (folder_ / "b").string(), "--progress", "none"};
    ++stops;
  }
  EXPECT_TRUE(weights("a", "zero") == weights("b", "zero")) << stops << " stops";
  EXPECT_TRUE(weights("a", "on-policy") == weights("b", "on-policy")) << stops << " stops";
}

// What /proc/meminfo says while the program runs.
std::function<void()> with_free_memory(const std::filesystem::path& file, int64_t kib) {
  std::ofstream(file) << "MemTotal:       67108864 kB\nMemFree:        " << kib << " kB\nMemAvailable:   " << kib
                      << " kB\n";
  return [file] { setenv("POSTTRAIN_MEMINFO", file.c_str(), 1); };
}

TEST_F(Stages, LeaveTheSameBytesOnAnyFreeMemoryHoweverBatchesAreCutAndWhereverTheyAreResumed) {
  const std::vector<std::string> settings = {
      "--set", "stages.zero.minibatches=2",       "--set", "stages.zero.epochs=2",
      "--set", "stages.dpo.training.lora.rank=4", "--set", "stages.zero.objective.preset=grpo"};
  const auto run_with = [&](const std::string& out, int64_t kib, std::vector<std::string> more, double moment = -1) {
    std::vector<std::string> arguments = {
        "run", (folder_ / "all.json").string(), "--out", (folder_ / out).string(), "--progress", "none"};
    arguments.insert(arguments.end(), settings.begin(), settings.end());
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(arguments, moment, SIGINT, with_free_memory(folder_ / (out + ".meminfo"), kib));
  };
  const auto whole = run_with("a", 60000000, {});
  ASSERT_EQ(whole.status, 0) << whole.err;
  const auto expect_same = [&](const std::string& out) {
    for (const char* stage : {"base", "dpo", "scorer", "zero", "student", "on-policy"})
      EXPECT_TRUE(weights("a", stage) == weights(out, stage)) << out << " " << stage;
  };
  for (const int64_t kib : {3500, 9000}) {
    const std::string out = "free" + std::to_string(kib);
    ASSERT_EQ(run_with(out, kib, {"--set", "threads=" + std::to_string(kib == 3500 ? 1 : 2)}).status, 0);
    expect_same(out);
  }
  for (const char* tokens : {"16", "100"}) {
    std::vector<std::string> cuts;
    for (const char* stage : {"base", "dpo", "scorer", "zero", "student", "on-policy"}) {
      cuts.insert(cuts.end(), {"--set", std::string("stages.") + stage + ".micro_batch_tokens=" + tokens});
    }
    const auto cut = run_with(tokens, 60000, cuts);
    ASSERT_EQ(cut.status, 0) << cut.err;
    expect_same(tokens);
  }
  if (run_with("b", 5000, {}, 0.8).status == 130 && std::filesystem::exists(folder_ / "b" / "run.db")) {
    const auto resumed = run({"run", "--resume", "--out", (folder_ / "b").string(), "--progress", "none"}, -1, SIGINT,
                             with_free_memory(folder_ / "b2.meminfo", 50000));
    ASSERT_EQ(resumed.status, 0) << resumed.err;
    expect_same("b");
  }
}

TEST_F(Stages, AreListedWithTokensAndTimeByADryRunThatWritesNothing) {
  const auto result = start("a", {"--dry-run"});
  ASSERT_EQ(result.status, 0) << result.err;
  for (const char* name : {"base", "sample", "dpo", "scorer", "votes", "zero", "student", "on-policy", "file"}) {
    EXPECT_NE(result.out.find(name), std::string::npos) << name;
  }
  EXPECT_FALSE(std::filesystem::exists(folder_ / "a"));
  const Json plan = parse_json(start("a", {"--dry-run", "--json"}).out, "plan");
  EXPECT_EQ(plan.at("stages").size(), 9u);
  constexpr double room = 60.0 * 8 * 128;  // of all rows; documents leave some of it empty
  EXPECT_LT(plan["stages"][0]["trained_tokens"].get<double>(), room);
  EXPECT_GT(plan["stages"][0]["trained_tokens"].get<double>(), 0.7 * room);
  EXPECT_EQ(plan["stages"][5]["sampled_tokens"].get<double>(), 4.0 * 4 * 4 * 12);
  EXPECT_GT(plan["seconds"].get<double>(), 0);
}

}  // namespace
}  // namespace posttrain::e2e

#include "store/export.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <csignal>
#include <fstream>

#include "base/error.h"
#include "base/file.h"
#include "records_for_tests.h"
#include "store/metric_names.h"
#include "store/metrics_file.h"
#include "temporary_folder.h"

namespace posttrain::store {
namespace {

class ExportTest : public FolderTest {
 protected:
  void SetUp() override {
    store_.emplace(folder_ / "run.db", Mode::create);
    store_->begin_run(test_run());
    store_->begin_stage({0, "zero", "grpo", "", 80});
  }
  std::optional<Store> store_;
};

TEST(MetricNames, TrlFirstThenOursThenTimings) {
  std::vector<std::string> names = {"perf/throughput",
                                    "timing_s/step",
                                    "logp_mismatch_max",
                                    "completions/mean_length",
                                    "rewards/format/mean",
                                    "entropy",
                                    "loss",
                                    "reward",
                                    "clip_ratio/high_mean"};
  sort_metric_names(names);
  EXPECT_EQ(names, (std::vector<std::string>{"loss", "reward", "rewards/format/mean", "completions/mean_length",
                                             "entropy", "clip_ratio/high_mean", "logp_mismatch_max", "timing_s/step",
                                             "perf/throughput"}));
  EXPECT_TRUE(is_timing("timing_s/gen"));
  EXPECT_FALSE(is_timing("reward"));
}

TEST_F(ExportTest, ALineHasStageAndStepFirstAndKeepsEveryBit) {
  EXPECT_EQ(step_line("zero", 3, {{"timing_s/step", 0.5}, {"kl", std::nan("")}, {"loss", 0.1}}),
            "{\"stage\":\"zero\",\"step\":3,\"loss\":0.1,\"kl\":null,\"timing_s/step\":0.5}\n");
  EXPECT_EQ(eval_line("zero", {0, 4, "mod", "", 48, 16, {{"pass@1", 0.25}}, {}}),
            "{\"stage\":\"zero\",\"step\":4,\"eval_mod/pass@1\":0.25,\"eval_mod/n\":48.0,\"eval_mod/k\":16.0}\n");
}

TEST_F(ExportTest, TheFileWrittenStepByStepIsTheFileExported) {
  const auto file = folder_ / "metrics.jsonl";
  MetricsFile metrics(file, *store_);
  for (int64_t step = 1; step <= 5; ++step) {
    store_->write_step(test_step(0, step));
    metrics.step("zero", test_step(0, step));
    if (step % 2 == 0) {
      store_->write_eval(test_eval(0, step));
      metrics.eval("zero", test_eval(0, step));
      metrics.eval("zero", test_eval(0, step));
    }
  }
  EXPECT_EQ(read_file(file), export_jsonl(*store_));
}

TEST_F(ExportTest, AResumedFileHasTheStepsUpToTheCheckpointAndNoTornLine) {
  const auto file = folder_ / "metrics.jsonl";
  write_steps(*store_, 0, 0, 4);
  const std::string up_to_4 = export_jsonl(*store_);
  write_steps(*store_, 0, 4, 6);
  std::ofstream(file) << export_jsonl(*store_) << R"({"stage":"zero","st)";
  store_->rewind(0, 4);
  MetricsFile metrics(file, *store_);
  EXPECT_EQ(read_file(file), up_to_4);
  metrics.step("zero", test_step(0, 5));
  EXPECT_EQ(read_file(file), up_to_4 + step_line("zero", 5, test_step(0, 5).metrics));
}

TEST_F(ExportTest, CsvHasOneRowAStepAndEmptyCells) {
  store_->write_eval(test_eval(0, 0));
  StepRecord one{0, 1, {{"loss", 0.5}, {"kl", std::nan("")}}, {}, {}, {}};
  store_->write_step(one);
  StepRecord two{0, 2, {{"loss", 0.25}, {"reward", 1}, {"a \"b\", c", 2}}, {}, {}, {}};
  store_->write_step(two);
  EXPECT_EQ(export_csv(*store_),
            "stage,step,loss,reward,kl,eval_mod/k,eval_mod/n,eval_mod/pass@1,\"a \"\"b\"\", c\"\n"
            "zero,0,,,,16.0,48.0,0.25,\n"
            "zero,1,0.5,,,,,,\n"
            "zero,2,0.25,1.0,,,,,2.0\n");
}

TEST_F(ExportTest, AFullDiskLeavesNoHalfLine) {
  const auto file = folder_ / "metrics.jsonl";
  const pid_t child = fork();
  if (child == 0) {
    signal(SIGXFSZ, SIG_IGN);
    MetricsFile metrics(file, *store_);
    metrics.step("zero", test_step(0, 1));
    const auto size = std::filesystem::file_size(file);
    const rlimit limit{size + 20, size + 20};
    setrlimit(RLIMIT_FSIZE, &limit);
    const std::string said = message_of<Failure>([&] { metrics.step("zero", test_step(0, 2)); });
    _exit(said.find("metrics.jsonl") != std::string::npos ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  EXPECT_EQ(read_file(file), step_line("zero", 1, test_step(0, 1).metrics));
}

}  // namespace
}  // namespace posttrain::store

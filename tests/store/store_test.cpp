#include "store/store.h"

#include <cmath>
#include <thread>

#include "base/error.h"
#include "records_for_tests.h"
#include "temporary_folder.h"

namespace posttrain::store {
namespace {

using StoreTest = FolderTest;

TEST_F(StoreTest, EveryFieldOfAStepComesBack) {
  Store store(folder_ / "run.db", Mode::create);
  store.begin_run(test_run());
  store.begin_stage({0, "zero", "grpo", "", 80});
  StepRecord written = test_step(0, 2);
  written.metrics.emplace_back("kl", std::nan(""));
  store.write_step(written);

  const Metrics metrics = store.metrics(0, 2);
  ASSERT_EQ(metrics.size(), 4u);
  EXPECT_EQ(metrics[0], (std::pair<std::string, double>("loss", 1.0 / 3.0)));  // to the last bit
  EXPECT_EQ(metrics[1].first, "reward");
  EXPECT_EQ(metrics[2].first, "kl");
  EXPECT_TRUE(std::isnan(metrics[2].second));
  EXPECT_EQ(metrics[3].first, "timing_s/step");
  EXPECT_EQ(store.curve("reward").at(0).value, 0.2);

  const auto spans = store.spans(0, 2);
  ASSERT_EQ(spans.size(), 2u);
  EXPECT_EQ(spans[1].phase, "update");
  EXPECT_EQ(spans[1].t1, 0.25);

  const auto groups = store.groups(0, 2);
  ASSERT_EQ(groups.size(), 2u);
  EXPECT_EQ(groups[0].prompt, "1+0=");
  EXPECT_EQ(groups[1].answer, "103");
  const SampleRow &got = groups[1].samples.at(1), &put = written.groups[1].samples[1];
  EXPECT_EQ(got.completion, put.completion);  // with its NUL and its invalid UTF-8
  EXPECT_EQ(got.completion_tokens, 6);
  EXPECT_EQ(got.finish, "length");
  EXPECT_EQ(got.reward, 1.5);
  ASSERT_EQ(got.parts.size(), 2u);
  EXPECT_EQ(got.parts[1].name, "format");
  EXPECT_EQ(got.parts[1].weight, 0.5);
  EXPECT_EQ(groups[1].samples[0].parts[0].detail, "got 4");
  EXPECT_EQ(got.advantage, 0.7071);
  EXPECT_EQ(got.logp_sum, -5.25);
  EXPECT_EQ(got.weight_version, 1);
  EXPECT_EQ(store.alerts().at(0).text, "step 2");
}

TEST_F(StoreTest, RunAndStagesComeBackWithTheirState) {
  {
    Store store(folder_ / "run.db", Mode::create);
    store.begin_run(test_run());
    store.begin_stage({0, "base", "sft", "", 1000});
    store.finish_stage(0, "done", 41.5, "checkpoints/base");
    store.begin_stage({1, "zero", "grpo", "base", 80});
    store.finish_run("failed", 50, "NaN in the loss");
  }
  const Store store(folder_ / "run.db", Mode::read_only);
  const auto run = store.run();
  ASSERT_TRUE(run);
  EXPECT_EQ(run->seed, 7u);
  EXPECT_EQ(run->status, "failed");
  EXPECT_EQ(run->message, "NaN in the loss");
  EXPECT_EQ(run->created.size(), 20u);
  const auto stages = store.stages();
  ASSERT_EQ(stages.size(), 2u);
  EXPECT_EQ(stages[0].checkpoint, "checkpoints/base");
  EXPECT_EQ(stages[1].from, "base");
  EXPECT_EQ(stages[1].status, "interrupted") << "nobody writes any more";
  EXPECT_FALSE(store.last_step(1));
}

TEST_F(StoreTest, AnEvaluationReplacesTheOneOfTheSameStepAndTask) {
  Store store(folder_ / "run.db", Mode::create);
  store.begin_run(test_run());
  EvalRecord eval = test_eval(0, 4);
  store.write_eval(eval);
  eval.metrics = {{"pass@1", 0.5}, {"cons@16", 0.75}};
  eval.role = "final";
  eval.groups.pop_back();
  store.write_eval(eval);
  const auto evals = store.evals();
  ASSERT_EQ(evals.size(), 1u);
  EXPECT_EQ(evals[0].metrics, eval.metrics);
  EXPECT_EQ(evals[0].role, "final");
  EXPECT_TRUE(store.groups(0, 4, "mod").empty());
}

TEST_F(StoreTest, AStoreOfTwoWritersIsRefusedAndReadersAreWelcome) {
  Store store(folder_ / "run.db", Mode::create);
  store.begin_run(test_run());
  store.begin_stage({0, "zero", "grpo", "", 80});
  EXPECT_NE(message_of<Error>([&] { Store(folder_ / "run.db", Mode::open); }).find("run.db: another process"),
            std::string::npos);
  const Store reader(folder_ / "run.db", Mode::read_only);
  store.write_step(test_step(0, 1));
  EXPECT_EQ(reader.last_step(0), 1);
  EXPECT_THROW(Store(folder_ / "run.db", Mode::create), Error);
}

TEST_F(StoreTest, ThreadsShareOneStore) {
  Store store(folder_ / "run.db", Mode::create);
  store.begin_run(test_run());
  store.begin_stage({0, "a", "sft", "", 0});
  store.begin_stage({1, "b", "sft", "", 0});
  std::thread other([&] { write_steps(store, 0, 0, 20); });
  write_steps(store, 1, 0, 20);
  other.join();
  EXPECT_EQ(store.steps().size(), 40u);
}

// The stages have 6 steps each; the run is cut after any of them and its checkpoint is 0 to 3 steps older.
TEST_F(StoreTest, RewindAndGoOnEqualsARunThatWasNeverCut) {
  Store whole(folder_ / "whole.db", Mode::create);
  whole.begin_run(test_run());
  for (int stage = 0; stage < 2; ++stage) {
    whole.begin_stage({stage, "s" + std::to_string(stage), "grpo", "", 6});
    write_steps(whole, stage, 0, 6);
    whole.finish_stage(stage, "done", 1, "c");
  }
  whole.finish_run("done", 2);

  for (int cut = 0; cut <= 12; ++cut) {
    for (const int64_t lost : {0, 1, 3}) {
      const auto file = folder_ / (std::to_string(cut) + "-" + std::to_string(lost) + ".db");
      const int cut_stage = cut == 0 ? 0 : (cut - 1) / 6;
      const int64_t cut_step = cut - 6 * cut_stage, checkpoint = std::max<int64_t>(0, cut_step - lost);
      {
        Store store(file, Mode::create);
        store.begin_run(test_run());
        for (int stage = 0; stage <= cut_stage; ++stage) {
          store.begin_stage({stage, "s" + std::to_string(stage), "grpo", "", 6});
          write_steps(store, stage, 0, stage < cut_stage ? 6 : cut_step);
          if (stage < cut_stage) store.finish_stage(stage, "done", 1, "c");
        }
        store.finish_run("stopped", 1, "interrupted");
      }
      Store store(file, Mode::open);
      store.rewind(cut_stage, checkpoint);
      for (int stage = cut_stage; stage < 2; ++stage) {
        store.begin_stage({stage, "s" + std::to_string(stage), "grpo", "", 6});
        write_steps(store, stage, stage == cut_stage ? checkpoint : 0, 6);
        store.finish_stage(stage, "done", 1, "c");
      }
      store.finish_run("done", 2);
      ASSERT_EQ(store.content(), whole.content()) << "cut after step " << cut << ", " << lost << " steps lost";
    }
  }
}

TEST_F(StoreTest, ContentLeavesOutTimingsAndNothingElse) {
  const auto content = [&](const char* name, double seconds, double loss) {
    Store store(folder_ / name, Mode::create);
    store.begin_run(test_run());
    store.begin_stage({0, "zero", "grpo", "", 1});
    StepRecord record = test_step(0, 1);
    record.metrics = {{"timing_s/step", seconds}, {"perf/throughput", seconds}, {"step_time", seconds}, {"loss", loss}};
    record.spans[0].t1 = seconds;
    store.write_step(record);
    store.finish_stage(0, "done", seconds, "c");
    store.finish_run("done", seconds);
    return store.content();
  };
  EXPECT_EQ(content("a", 1, 0.5), content("b", 2, 0.5));
  EXPECT_NE(content("c", 1, 0.5), content("d", 1, std::nextafter(0.5, 1)));
}

TEST_F(StoreTest, AStageThatChangedItsNameIsNotResumed) {
  Store store(folder_ / "run.db", Mode::create);
  store.begin_run(test_run());
  store.begin_stage({0, "zero", "grpo", "", 80});
  store.begin_stage({0, "zero", "grpo", "", 90});
  EXPECT_EQ(store.stages().at(0).steps, 90);
  EXPECT_THROW(store.begin_stage({0, "other", "grpo", "", 80}), Error);
}

}  // namespace
}  // namespace posttrain::store

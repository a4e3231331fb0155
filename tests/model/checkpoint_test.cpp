#include "model/checkpoint.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "base/error.h"
#include "base/file.h"
#include "base/parallel.h"
#include "base/temporary_folder.h"
#include "tests/error_of.h"
#include "tiny.h"

namespace posttrain::model {
namespace {

Arch small_arch() {
  return llama_arch(16, 8, 1, 2, 1, 8, true);
}

struct Trainer {
  explicit Trainer(nn::Backend& backend, const Arch& arch = small_arch(), uint64_t seed = 1,
                   nn::MomentType moments = nn::MomentType::f32)
      : model(tiny_model(backend, arch, seed)), learner(*model, {.weight_decay = 0.1f, .moments = moments}) {}

  void train(int from, int to) {
    for (int step = from; step < to; ++step) {
      const TrainBatch batch = pack(random_sequences(model->arch(), 3, 3, 8, static_cast<uint64_t>(step)));
      learner.accumulate(batch, [&](const Scores&) { return any_coefficients(batch); });
      learner.step(1e-2);
    }
  }

  std::unique_ptr<Transformer> model;
  Learner learner;
};

std::string error_of_loading(const std::filesystem::path& file, Learner& learner) {
  return error_of([&] { Checkpoint::load(file, learner); });
}

TEST(Checkpoint, KThenNMinusKStepsEqualNSteps) {
  const auto backend = nn::make_cpu_backend();
  for (const bool tied : {true, false}) {
    const TemporaryFolder folder;
    const auto file = folder.path() / "state";
    Trainer whole(*backend, tiny_arch(tied)), first(*backend, tiny_arch(tied)), second(*backend, tiny_arch(tied), 99);
    whole.train(0, 7);
    first.train(0, 4);
    Checkpoint::save(file, first.learner, R"({"step": 4})");
    EXPECT_EQ(Checkpoint::read_cursor(file), R"({"step": 4})");
    EXPECT_EQ(Checkpoint::load(file, second.learner), R"({"step": 4})");
    EXPECT_EQ(second.learner.steps(), 4);
    second.train(4, 7);
    EXPECT_EQ(all_weights(*whole.model), all_weights(*second.model));
    Checkpoint::save(folder.path() / "a", whole.learner, "");
    Checkpoint::save(folder.path() / "b", second.learner, "");
    EXPECT_EQ(read_file(folder.path() / "a"), read_file(folder.path() / "b"));
  }
}

TEST(Checkpoint, PackedMomentsGoOnBitForBitAndAreNotMistakenForFullOnes) {
  const auto backend = nn::make_cpu_backend();
  for (const auto moments : {nn::MomentType::bf16, nn::MomentType::e8}) {
    const TemporaryFolder folder;
    const auto file = folder.path() / "state";
    Trainer whole(*backend, tiny_arch(), 1, moments), first(*backend, tiny_arch(), 1, moments);
    Trainer second(*backend, tiny_arch(), 99, moments), full(*backend, tiny_arch());
    whole.train(0, 7);
    first.train(0, 4);
    Checkpoint::save(file, first.learner, "");
    Checkpoint::load(file, second.learner);
    second.train(4, 7);
    EXPECT_EQ(all_weights(*whole.model), all_weights(*second.model));
    EXPECT_NE(error_of_loading(file, full.learner), "");
  }
}

TEST(Checkpoint, EveryTruncationAndEveryFlippedByteIsRefusedAndTheLearnerKeepsItsState) {
  const auto backend = nn::make_cpu_backend();
  const TemporaryFolder folder;
  const auto file = folder.path() / "state", damaged = folder.path() / "damaged";
  Trainer trainer(*backend), other(*backend, small_arch(), 2);
  trainer.train(0, 1);
  Checkpoint::save(file, trainer.learner, "cursor");
  const std::string good = read_file(file);
  const auto before = all_weights(*other.model);
  for (size_t length = 0; length < good.size(); length += length < 900 ? 1 : 97) {
    std::ofstream(damaged, std::ios::binary) << good.substr(0, length);
    ASSERT_NE(error_of_loading(damaged, other.learner), "") << length;
  }
  for (size_t at = 0; at < good.size(); at += at < 900 ? 1 : 61) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ (1 << (at % 8)));
    std::ofstream(damaged, std::ios::binary) << bad;
    ASSERT_NE(error_of_loading(damaged, other.learner), "") << at;
  }
  std::ofstream(damaged, std::ios::binary) << good << "x";
  EXPECT_NE(error_of_loading(damaged, other.learner).find("nothing after"), std::string::npos);
  EXPECT_EQ(all_weights(*other.model), before);
  EXPECT_EQ(other.learner.steps(), 0);
}

TEST(Checkpoint, ForeignFilesAreToldApart) {
  const auto backend = nn::make_cpu_backend();
  const TemporaryFolder folder;
  const auto file = folder.path() / "state";
  Trainer trainer(*backend);
  Trainer wider(*backend, llama_arch(16, 8, 1, 2, 1, 16, true));
  Checkpoint::save(file, wider.learner, "");
  EXPECT_NE(error_of_loading(file, trainer.learner).find("\"intermediate_size\": 8"), std::string::npos);
  std::ofstream(file) << "PTCKPT99 and more";
  EXPECT_NE(error_of_loading(file, trainer.learner).find("version 99"), std::string::npos);
  // Version 01 had the same sections with another checksum of 8 bytes.
  std::ofstream(file) << "PTCKPT01" << std::string("arch\0\0\0\0", 8);
  EXPECT_NE(error_of_loading(file, trainer.learner).find("version 02, got version 01, which another posttrain wrote"),
            std::string::npos)
      << error_of_loading(file, trainer.learner);
  std::ofstream(file) << "something else altogether";
  EXPECT_NE(error_of_loading(file, trainer.learner).find("another kind of file"), std::string::npos);
  EXPECT_NE(error_of_loading(folder.path() / "nothing", trainer.learner).find("can't open"), std::string::npos);
}

TEST(Checkpoint, AFullDiskLeavesTheOldOne) {
  const auto backend = nn::make_cpu_backend();
  const TemporaryFolder folder;
  const auto file = folder.path() / "state";
  Trainer trainer(*backend);
  Checkpoint::save(file, trainer.learner, "old");
  struct rlimit before {};
  getrlimit(RLIMIT_FSIZE, &before);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  for (rlim_t limit = 0; limit < std::filesystem::file_size(file); limit += 1500) {
    const rlimit small{limit, before.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
    EXPECT_THROW(Checkpoint::save(file, trainer.learner, "new"), Failure) << limit;
    setrlimit(RLIMIT_FSIZE, &before);
    EXPECT_EQ(Checkpoint::read_cursor(file), "old");
    EXPECT_FALSE(std::filesystem::exists(folder.path() / "state.tmp"));
  }
  std::signal(SIGXFSZ, handler);
}

TEST(Checkpoint, KilledInTheMiddleOfSavingLeavesTheOldOrTheNew) {
  const TemporaryFolder folder;
  const auto file = folder.path() / "state";
  for (int round = 0; round < 12; ++round) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      set_compute_threads(1);
      const auto backend = nn::make_cpu_backend();
      Trainer trainer(*backend);
      for (int i = 0;; ++i) Checkpoint::save(file, trainer.learner, std::to_string(i));
    }
    usleep(static_cast<useconds_t>(30000 + 1700 * round));
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    if (!std::filesystem::exists(file)) continue;
    EXPECT_NO_THROW(Checkpoint::read_cursor(file)) << round;
  }
  EXPECT_TRUE(std::filesystem::exists(file));
}

}  // namespace
}  // namespace posttrain::model

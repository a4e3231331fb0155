// A short run whose writes, syncs and renames fail one after the other, and one that loses the power at every moment at
// which the disk holds something new. Each must say what went wrong, leave nothing half-written, and be resumed to the
// bytes of the run that nothing happened to. POSTTRAIN_FAULTS_ALL=1 walks over every operation; without it those that
// differ in kind and file.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <set>

#include "store/store.h"
#include "tests/e2e/program.h"
#include "tests/faults/power_loss.h"
#include "tests/recipes/base_model.h"

namespace posttrain::faults {
namespace {

namespace fs = std::filesystem;

// Checkpoints at odd places, a moving reference, an evaluation that keeps the best, data made and read.
constexpr const char* recipe = R"({
  "model": {"path": "BASE"},
  "task": {"type": "chain", "min_steps": 2, "max_steps": 2},
  "rewards": [{"type": "exact"}],
  "store": {"samples_per_step": 4},
  "stages": [
    {"name": "base", "type": "sft", "data": [{"documents": 100}], "steps": 3, "rows_per_step": 2, "row_tokens": 48,
     "save_every_steps": 2, "training": {"lr": 0.001}},
    {"name": "sample", "type": "reject", "prompts": 8, "samples_per_prompt": 4, "sampling": {"max_new_tokens": 16}},
    {"name": "more", "type": "sft", "from": "base", "data": [{"source": "stage", "stage": "sample"}], "steps": 3, "rows_per_step": 2,
     "row_tokens": 48, "save_every_steps": 1, "training": {"lr": 0.01},
     "eval": {"every_steps": 1, "keep": "best", "problems": 2, "samples": 1, "sampling": {"max_new_tokens": 4}}}
  ]
})";

class Faults : public e2e::ProgramTest {
 protected:
  using Environment = std::vector<std::pair<std::string, std::string>>;

  void SetUp() override {
    const std::string text = recipe;
    write("recipe.json", std::string(text).replace(text.find("BASE"), 4, recipes::base_model().string()));
    const auto whole = start("whole");
    ASSERT_EQ(whole.status, 0) << whole.err;
    expected_ = fingerprint("whole");
  }
  e2e::Result with(const Environment& environment, const std::vector<std::string>& arguments) const {
    return run(arguments, -1, SIGKILL, [&] {
      for (const auto& [name, value] : environment) setenv(name.c_str(), value.c_str(), 1);
    });
  }
  e2e::Result start(const std::string& out, Environment environment = {}) const {
    return with(under_seam(std::move(environment)),
                {"run", (folder_ / "recipe.json").string(), "--out", (folder_ / out).string(), "--progress", "none"});
  }
  e2e::Result resume(const std::string& out) const {
    return with({}, {"run", "--resume", "--out", (folder_ / out).string(), "--progress", "none"});
  }
  Environment under_seam(Environment environment) const {
    if (environment.empty()) return {};
    environment.push_back({"LD_PRELOAD", POSTTRAIN_FAULTS});
    environment.push_back({"FAULT_ROOT", folder_.string()});
    return environment;
  }
  std::vector<Operation> operations() const {
    const auto result = start("logged", {{"FAULT_LOG", (folder_ / "log").string() + "-of-operations"}});
    EXPECT_EQ(result.status, 0) << result.err;
    return read_log((folder_ / "log").string() + "-of-operations", folder_);
  }
  std::string fingerprint(const std::string& out) const {
    const fs::path run = folder_ / out;
    return read_file(run / "final" / "model.safetensors") + read_file(run / "data" / "sample.jsonl") +
           read_file(run / "final" / "tokenizer.json") + e2e::metrics_without_timings(run / "metrics.jsonl") +
           store::Store(run / "run.db", store::Mode::read_only).content();
  }
  // Goes on with what is there, or begins where nothing was; then all must be as if nothing had happened.
  void recovers(const std::string& out, const std::string& what) const {
    auto again = resume(out);
    if (again.status != 0) {
      const std::string words = again.err;
      again = start(out);
      ASSERT_EQ(again.status, 0) << what << ": " << words << again.err;
    }
    EXPECT_TRUE(fingerprint(out) == expected_) << what << ": other bytes";
    for (const char* file : {"report.html", "summary.json", "metrics.jsonl", "recipe.resolved.json"}) {
      EXPECT_TRUE(fs::exists(folder_ / out / file)) << what << ": no " << file;
    }
  }

  std::string expected_;
};

// The first and the last of the operations of one kind on one name, in each folder.
std::vector<Operation> of_each_kind(const std::vector<Operation>& all) {
  if (std::getenv("POSTTRAIN_FAULTS_ALL") != nullptr) return all;
  std::map<std::string, std::vector<Operation>> kinds;
  for (const auto& operation : all) kinds[operation.name + operation.path].push_back(operation);
  std::vector<Operation> out;
  for (const auto& [kind, members] : kinds) {
    out.push_back(members.front());
    if (members.size() > 1) out.push_back(members.back());
  }
  return out;
}

std::string tell(const Operation& operation) {
  return std::to_string(operation.number) + " " + operation.name + " " + operation.path;
}

// What a stopped program may leave: no file that is half of something.
std::string half_written(const fs::path& run) {
  if (!fs::exists(run)) return "";
  for (const auto& entry : fs::recursive_directory_iterator(run)) {
    if (entry.path().extension() == ".tmp") return entry.path().string();
  }
  return "";
}

TEST_F(Faults, AnOperationThatFailsIsToldLeavesNothingHalfWrittenAndIsMadeUpFor) {
  int met = 0, told = 0;
  for (const auto& operation : of_each_kind(operations())) {
    if (operation.number == 0) continue;
    const std::string out = "logged";  // the paths of the log
    fs::remove_all(folder_ / out);
    const auto result = start(out, {{"FAULT_AT", std::to_string(operation.number)}, {"FAULT_KIND", "fail"}});
    ++met;
    if (result.status == 0) {  // a fault that does no harm, as a sync of what is written again later
      EXPECT_TRUE(fingerprint(out) == expected_) << tell(operation);
      continue;
    }
    ++told;
    EXPECT_EQ(result.status, 1) << tell(operation) << ": " << result.err;
    EXPECT_EQ(result.err.find("internal"), std::string::npos) << tell(operation) << ": " << result.err;
    EXPECT_NE(result.err.find(folder_.string()), std::string::npos) << tell(operation) << ": no file in " << result.err;
    EXPECT_EQ(half_written(folder_ / out), "") << tell(operation);
    recovers(out, tell(operation));
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(told, 20) << "of " << met;
  RecordProperty("operations", met);
}

TEST_F(Faults, ADiskThatStaysFullStopsTheRunWhereverItBegins) {
  for (const auto& operation : of_each_kind(operations())) {
    if (operation.name != "write") continue;
    fs::remove_all(folder_ / "logged");
    const auto result = start("logged", {{"FAULT_AT", std::to_string(operation.number)}, {"FAULT_KIND", "full"}});
    EXPECT_LE(result.status, 1) << tell(operation) << ": " << result.err;  // 0: what SQLite tidies at the end
    EXPECT_TRUE(result.status == 0 || result.err.find(folder_.string()) != std::string::npos)
        << tell(operation) << ": " << result.err;
    recovers("logged", tell(operation));
    if (HasFatalFailure()) return;
  }
}

TEST_F(Faults, AWriteOfHalfTheBytesIsFinishedOrTold) {
  for (const auto& operation : of_each_kind(operations())) {
    if (operation.name != "write") continue;
    fs::remove_all(folder_ / "logged");
    const auto result = start("logged", {{"FAULT_AT", std::to_string(operation.number)}, {"FAULT_KIND", "short"}});
    EXPECT_LE(result.status, 1) << tell(operation) << ": " << result.err;
    recovers("logged", tell(operation));
    if (HasFatalFailure()) return;
  }
}

TEST_F(Faults, WhateverPowerLossLeavesIsResumedToTheSameBytes) {
  const auto all = operations();
  std::set<std::map<std::string, std::string>> seen;
  for (const auto lost : {Disk::Lost::all_unsynced, Disk::Lost::bytes_only}) {
    Disk disk;
    for (const auto& operation : all) {
      disk.apply(operation);
      // Between these the disk can hold nothing new that matters.
      if (operation.name != "sync" && operation.name != "rename" && operation.name != "exchange") continue;
      const auto left = disk.after_power_loss(lost);
      if (!seen.insert(left).second) continue;
      fs::remove_all(folder_ / "logged");
      for (const auto& [path, bytes] : left) {
        if (bytes == "/") {
          fs::create_directories(folder_ / path);
        } else if (path.starts_with("logged")) {
          std::ofstream(folder_ / path) << bytes;
        }
      }
      const std::string what = (lost == Disk::Lost::bytes_only ? "names kept, " : "") + ("after " + tell(operation));
      recovers("logged", what);
      if (HasFatalFailure()) return;
    }
  }
  EXPECT_GT(seen.size(), 20u);
  RecordProperty("states", static_cast<int>(seen.size()));
}

TEST_F(Faults, WhatARunHasFinishedAndSavedIsOnTheDisk) {
  Disk disk;
  int checkpoints = 0;
  std::string waiting;  // a checkpoint that got its name and whose folder is not synced yet
  for (const auto& operation : operations()) {
    disk.apply(operation);
    if (operation.name == "rename" && operation.other.ends_with("state.ckpt")) waiting = operation.other;
    if (waiting.empty() || operation.name != "sync") continue;
    EXPECT_TRUE(disk.after_power_loss(Disk::Lost::all_unsynced).contains(waiting)) << "after " << tell(operation);
    waiting.clear();
    ++checkpoints;
  }
  EXPECT_GE(checkpoints, 3);
  const auto left = disk.after_power_loss(Disk::Lost::all_unsynced);
  for (const char* file : {"final/model.safetensors", "final/tokenizer.json", "final/config.json", "summary.json",
                           "run.db", "recipe.resolved.json", "report.html", "data/sample.jsonl"}) {
    const auto found = left.find(std::string("logged/") + file);
    ASSERT_NE(found, left.end()) << file;
    EXPECT_TRUE(found->second == read_file(folder_ / "logged" / file)) << file;
  }
  for (const auto& [path, bytes] : left) {
    // What was removed needs not last; the log is SQLite's own, and the test above asks for what it holds.
    if (!fs::exists(folder_ / path) || path.ends_with("-wal")) continue;
    EXPECT_TRUE(bytes == "/" || bytes == read_file(folder_ / path)) << path;
  }
}

}  // namespace
}  // namespace posttrain::faults

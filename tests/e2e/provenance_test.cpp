// What a run stands on stays what it was: data, templates and stage outputs by digest, checkpoints in twos, adapters.
#include "store/store.h"
#include "tests/e2e/program.h"

namespace posttrain::e2e {
namespace {

class Provenance : public ProgramTest {
 protected:
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  Result go(std::vector<std::string> arguments) const {
    for (const std::string& more : {std::string("--out"), path("out"), std::string("--progress"), std::string("plain")})
      arguments.push_back(more);
    return run(arguments);
  }
  void expect_refused(const Result& result, const std::vector<std::string>& words) const {
    EXPECT_EQ(result.status, 2) << result.out << result.err;
    for (const std::string& word : words) EXPECT_NE(result.err.find(word), std::string::npos) << result.err;
  }
  // One bit of the last byte.
  void flip(const std::string& name) const {
    std::string bytes = read_file(folder_ / name);
    bytes.back() = static_cast<char>(bytes.back() ^ 1);
    write(name, bytes);
  }
  std::string model() const {
    return R"("model": {"arch": {"hidden": 8, "layers": 1, "heads": 2, "mlp": 16, "max_positions": 96}})";
  }
  // Two stages on a file of rows.
  void own_data() const {
    std::string rows;
    for (int i = 0; i < 8; ++i)
      rows += R"({"prompt": ")" + std::to_string(i) + R"(+1=", "completion": ")" + std::to_string(i + 1) + "\"}\n";
    write("rows.jsonl", rows);
    write("own.json", "{" + model() + R"(, "task": {"type": "chain", "min_steps": 2, "max_steps": 2}, "stages": [
      {"name": "base", "type": "sft", "data": [{"source": "file", "path": "rows.jsonl"}], "steps": 3, "rows_per_step": 2},
      {"name": "more", "type": "sft", "data": [{"source": "file", "path": "rows.jsonl"}], "steps": 3, "rows_per_step": 2}]})");
    const auto whole = go({"run", path("own.json")});
    ASSERT_EQ(whole.status, 0) << whole.err;
  }
};

TEST_F(Provenance, ChangedDataIsRefusedByNameAndBothDigests) {
  own_data();
  const std::string before = read_file(folder_ / "rows.jsonl");
  write("rows.jsonl", before.substr(before.find('\n') + 1));
  const auto refused = go({"run", "--from", "more"});
  expect_refused(refused, {"rows.jsonl: expected ", " as in the run, got ", "--allow-changed-data"});
  const auto allowed = go({"run", "--from", "more", "--allow-changed-data"});
  EXPECT_EQ(allowed.status, 0) << allowed.err;
  EXPECT_NE((allowed.out + allowed.err).find("goes on with changed files"), std::string::npos) << allowed.out;
  EXPECT_EQ(go({"run", "--from", "more"}).status, 0) << "what was allowed is what the run has now";
  write("rows.jsonl", before);
  expect_refused(go({"run", "--from", "base"}), {"rows.jsonl"});
}

TEST_F(Provenance, OneBitInAFinishedStageIsRefused) {
  own_data();
  const std::string file = "out/checkpoints/base/model/model.safetensors";
  flip(file);
  expect_refused(go({"run", "--from", "more"}),
                 {"checkpoints/base/model/model.safetensors: expected ", "--from base", "--allow-changed-data"});
  EXPECT_EQ(go({"run", "--from", "base"}).status, 0) << "the way out";
  flip(file);
  EXPECT_EQ(go({"run", "--from", "more", "--allow-changed-data"}).status, 0);
  expect_refused(run({"run", path("own.json"), "--out", path("new"), "--allow-changed-data"}),
                 {"--allow-changed-data"});
}

TEST_F(Provenance, AModelOfARunIsReadOnlyAsTheRunWroteIt) {
  own_data();
  for (const char* model : {"out/final", "out/checkpoints/base/model"}) {
    const auto say = [&](const std::string& folder) {
      return run({"generate", path(folder), "--prompt", "1+1=", "--max-new-tokens", "4"});
    };
    EXPECT_EQ(say(model).status, 0) << say(model).err;
    const std::string file = std::string(model) + "/model.safetensors";
    flip(file);
    expect_refused(say(model), {"model.safetensors: expected ", "are not those that the run wrote"});
    std::filesystem::copy(folder_ / model, folder_ / "elsewhere");
    EXPECT_EQ(say("elsewhere").status, 0) << say("elsewhere").err;
    std::filesystem::remove_all(folder_ / "elsewhere");
    flip(file);
    EXPECT_EQ(say(model).status, 0) << "the same bit again";
  }
}

// A stage without end, stopped when both of its checkpoints are there.
class TwoCheckpoints : public Provenance {
 protected:
  std::filesystem::path state(const char* name) const { return folder_ / "out/checkpoints/base" / name; }
  void damage(const char* name) const { flip("out/checkpoints/base/" + std::string(name)); }

  // Runs until `enough`, then stops the run as Ctrl-C does; what it printed.
  std::string run_until(std::vector<std::string> arguments, const std::function<bool()>& enough) const {
    for (const std::string& more : {std::string("--out"), path("out"), std::string("--progress"), std::string("plain")})
      arguments.push_back(more);
    const pid_t child = fork();
    if (child == 0) {
      if (freopen(path("said.txt").c_str(), "w", stdout) == nullptr || dup2(1, 2) < 0) _exit(126);
      std::vector<char*> argv = {const_cast<char*>(POSTTRAIN_PROGRAM)};
      for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
      argv.push_back(nullptr);
      execv(POSTTRAIN_PROGRAM, argv.data());
      _exit(127);
    }
    for (int tries = 0; tries < 12'000 && !enough(); ++tries) usleep(10'000);
    kill(child, SIGTERM);
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_EQ(WEXITSTATUS(status), 130);
    return read_file(folder_ / "said.txt");
  }
};

TEST_F(TwoCheckpoints, ADamagedOneGivesWayToTheOneBeforeAndNoneToTheWayOut) {
  write("long.json", "{" + model() + R"(, "task": {"type": "chain", "min_steps": 2, "max_steps": 2}, "stages": [
    {"name": "base", "type": "sft", "data": [{"documents": 20}], "steps": 1000000, "rows_per_step": 2,
     "save_every_steps": 3}]})");
  run_until({"run", path("long.json")}, [&] { return std::filesystem::exists(state("state.before.ckpt")); });
  ASSERT_TRUE(std::filesystem::exists(state("state.ckpt")));
  damage("state.ckpt");
  damage("state.before.ckpt");
  expect_refused(go({"run", "--resume"}), {"state.ckpt", "no whole checkpoint of stage base", "--from base"});
  damage("state.before.ckpt");  // the same bit again: whole
  const std::string words = "base goes on from the one before, after step ";
  const std::string said =
      run_until({"run", "--resume"}, [&] { return read_file(folder_ / "said.txt").find(words) != std::string::npos; });
  EXPECT_NE(said.find(words), std::string::npos) << said;
}

TEST_F(Provenance, AnAdapterIsKeptAndMergesToTheStagesOwnWeights) {
  write("lora.json", "{" + model() + R"(, "task": {"type": "chain", "min_steps": 2, "max_steps": 2},
    "rewards": [{"type": "exact"}], "stages": [
      {"name": "base", "type": "sft", "data": [{"documents": 20}], "steps": 3, "rows_per_step": 2},
      {"name": "last", "type": "sft", "data": [{"documents": 20}], "steps": 4, "rows_per_step": 2,
       "training": {"lr": 0.01, "lora": {"rank": 2}}},
      {"name": "best", "type": "sft", "from": "base", "data": [{"documents": 20}], "steps": 4, "rows_per_step": 2,
       "training": {"lr": 0.01, "lora": {"rank": 2}},
       "eval": {"every_steps": 2, "keep": "best", "problems": 4, "samples": 2, "sampling": {"max_new_tokens": 8}}}]})");
  const auto whole = go({"run", path("lora.json")});
  ASSERT_EQ(whole.status, 0) << whole.err;
  for (const char* stage : {"last", "best"}) {
    const std::string kept = "out/checkpoints/" + std::string(stage);
    ASSERT_TRUE(std::filesystem::exists(folder_ / kept / "adapter/adapter_config.json")) << stage;
    const auto merged = run({"convert", path("out/checkpoints/base/model"), path(std::string("merged-") + stage),
                             "--adapter", path(kept + "/adapter")});
    ASSERT_EQ(merged.status, 0) << merged.err;
    EXPECT_TRUE(read_file(folder_ / ("merged-" + std::string(stage)) / "model.safetensors") ==
                read_file(folder_ / kept / "model/model.safetensors"))
        << stage;
  }
  EXPECT_FALSE(read_file(folder_ / "merged-last/model.safetensors") ==
               read_file(folder_ / "out/checkpoints/base/model/model.safetensors"));
  const auto said = run({"generate", path("out/checkpoints/base/model"), "--adapter",
                         path("out/checkpoints/last/adapter"), "--prompt", "1+1=", "--temperature", "0"});
  const auto own = run({"generate", path("out/checkpoints/last/model"), "--prompt", "1+1=", "--temperature", "0"});
  EXPECT_EQ(said.status, 0) << said.err;
  EXPECT_EQ(said.out, own.out);
  expect_refused(run({"generate", path("out/checkpoints/base/model"), "--adapter", path("out"), "--prompt", "1"}),
                 {"adapter_config.json"});
}

}  // namespace
}  // namespace posttrain::e2e

// JSON nested a million levels deep, to every part that reads JSON, with a small stack: an error, never a crash.
#include <sys/resource.h>

#include "tests/e2e/program.h"
#include "tests/small_stack.h"
#include "text/char_tokenizer.h"

namespace posttrain::e2e {
namespace {

std::string tokenizer_json() {
  return to_line(char_tokenizer_json({.tokens = {{"a"}, {"b"}, {"<eos>", true}}, .eos = 2}));
}

class DeepJson : public ProgramTest {
 protected:
  void expect_refusal(const std::vector<std::string>& arguments, const char* word = "levels") {
    const Result result = run(arguments, -1, SIGKILL, [] {
      struct rlimit now {};
      getrlimit(RLIMIT_STACK, &now);
      now.rlim_cur = rlim_t{512} << 10;
      setrlimit(RLIMIT_STACK, &now);
    });
    EXPECT_EQ(result.status, 2) << arguments[0] << " " << arguments[1] << ": " << result.err.substr(0, 300);
    EXPECT_NE((result.err + result.out).find(word), std::string::npos)
        << arguments[0] << " " << arguments[1] << ": " << result.err.substr(0, 300);
  }
  const std::string deep_ = nested_lists(1'000'000);
};

TEST_F(DeepJson, RecipesAndTheirData) {
  expect_refusal({"recipe", "check", write("deep.json", R"({"model": )" + deep_ + "}")});
  const std::string rows = write("rows.jsonl", R"({"prompt": "a", "answer": "b", "more": )" + deep_ + "}\n");
  const std::string recipe = R"({"model": {"arch": {"hidden": 16, "layers": 1, "heads": 2, "mlp": 32,
    "max_positions": 64}}, "tokenizer": {"path": "tokenizer.json"}, "task": {"type": "jsonl", "train": ")" +
                             rows + R"(", "test": ")" + rows + R"("},
    "rewards": [{"type": "exact"}],
    "stages": [{"name": "e", "type": "eval", "role": "base", "problems": 1, "samples": 1}]})";
  write("tokenizer.json", tokenizer_json());
  expect_refusal({"run", write("r.json", recipe), "--out", folder_ / "out", "--progress", "none"});
}

TEST_F(DeepJson, TokenizersModelsAndHeaders) {
  const std::string lines = write("lines.jsonl", R"({"text": )" + deep_ + "}\n");
  expect_refusal({"tokenize", write("tokenizer.json", R"({"model": )" + deep_ + "}"), "--input", lines});
  expect_refusal({"tokenize", write("good.json", tokenizer_json()), "--input", lines});
  const uint64_t length = deep_.size();
  expect_refusal(
      {"inspect", write("deep.safetensors", std::string(reinterpret_cast<const char*>(&length), 8) + deep_)});
  std::filesystem::create_directory(folder_ / "model");
  expect_refusal({"inspect", write("model/config.json", deep_).parent_path()});
}

TEST_F(DeepJson, CasesOfTheJudges) {
  expect_refusal({"score", "code", write("problems.jsonl", R"({"task_id": )" + deep_ + "}\n")});
}

}  // namespace
}  // namespace posttrain::e2e

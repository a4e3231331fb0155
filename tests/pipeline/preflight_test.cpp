// Recipes with one fault each: every one is found before the first step, with the key that it is in.
#include "pipeline/preflight/preflight.h"

#include <gtest/gtest.h>

#include <functional>

#include "base/error.h"
#include "folder.h"
#include "pipeline/recipe/compose.h"

namespace posttrain::pipeline {
namespace {

constexpr const char* kChain = R"({
  "model": {"arch": {"hidden": 16, "layers": 1, "heads": 2, "mlp": 32, "max_positions": 256, "rope_theta": 1000}},
  "task": {"type": "chain"},
  "rewards": [{"type": "exact"}, {"type": "format", "weight": 0.5}],
  "stages": [
    {"name": "base", "type": "sft", "data": [{"source": "corpus", "documents": 500}], "steps": 12, "rows_per_step": 8,
     "row_tokens": 129, "training": {"lr": 0.01}},
    {"name": "zero", "type": "grpo", "steps": 3, "prompts_per_step": 4, "samples_per_prompt": 4,
     "sampling": {"max_new_tokens": 32}, "training": {"lr": 0.0003}},
    {"name": "kept", "type": "reject", "prompts": 4, "sampling": {"max_new_tokens": 32}},
    {"name": "end", "type": "eval", "problems": 16, "samples": 4, "sampling": {"max_new_tokens": 32}}
  ]
})";

// The same model on rows of a file, with a vocabulary of its own.
constexpr const char* kRows = R"({
  "model": {"arch": {"hidden": 16, "layers": 1, "heads": 2, "mlp": 32, "max_positions": 256}},
  "tokenizer": {"chars": "0123456789+-*=/<>abcdefghijklmnopqrstuvwxyz \n", "special": ["<answer>", "</answer>"]},
  "task": {"type": "jsonl", "train": "train.jsonl", "test": "test.jsonl"},
  "rewards": [{"type": "exact"}],
  "stages": [
    {"name": "zero", "type": "grpo", "steps": 3, "prompts_per_step": 4, "samples_per_prompt": 4,
     "sampling": {"max_new_tokens": 32}, "training": {"lr": 0.0003}},
    {"name": "end", "type": "eval", "problems": 4, "samples": 4, "sampling": {"max_new_tokens": 32}}
  ]
})";

std::string rows(int first, int count, const std::string& gold = "answer") {
  std::string text;
  for (int i = first; i < first + count; ++i) {
    const std::string n = std::to_string(i);
    text += R"({"prompt": "say )" + n + R"( in <answer>", ")" + gold + R"(": ")" + n + "\"}\n";
  }
  return text;
}

struct WrongRecipe {
  std::string name;
  std::vector<std::string> sets;  // changes, as --set
  std::string key, message;       // parts of the finding
};

void PrintTo(const WrongRecipe& wrong, std::ostream* out) {  // NOLINT: GoogleTest calls it by this name
  *out << wrong.name;
}

class PreflightTest : public FolderTest {
 protected:
  // All findings as text, those of reading the recipe too.
  std::string findings(const std::string& recipe, const std::vector<std::string>& sets) {
    const auto file = write("r.json", recipe);
    std::string out;
    try {
      const LoadedRecipe loaded = load_recipe(file, sets);
      for (const Finding& finding : preflight(loaded.recipe, {.source = &loaded.source})) out += finding.text() + "\n";
    } catch (const Error& error) {
      out = error.what();
    }
    return local(out);
  }
};

class WrongChainTest : public PreflightTest, public testing::WithParamInterface<WrongRecipe> {};

TEST_P(WrongChainTest, IsFound) {
  const std::string found = findings(kChain, GetParam().sets);
  EXPECT_NE(found.find(GetParam().key), std::string::npos) << found;
  EXPECT_NE(found.find(GetParam().message), std::string::npos) << found;
}

INSTANTIATE_TEST_SUITE_P(
    Settings, WrongChainTest,
    testing::ValuesIn(std::vector<WrongRecipe>{
        {"typo", {"stages.zero.stpes=3"}, "stages[1].stpes", "unknown key; did you mean \"steps\""},
        {"typo at the top", {"reward=[]"}, "reward", "unknown key; did you mean \"rewards\""},
        {"text for a number", {"stages.zero.steps=\"many\""}, "stages[1].steps", "expected a whole number"},
        {"half a step", {"stages.zero.steps=3.5"}, "stages[1].steps", "expected a whole number"},
        {"no prompts", {"stages.zero.prompts_per_step=0"}, "stages[1].prompts_per_step", "expected"},
        {"unknown reward", {"rewards=[{\"type\": \"exakt\"}]"}, "rewards[0].type", "did you mean \"exact\""},
        {"missing stage", {"stages.zero.from=\"basis\""}, "stages[1].from", "expected init or an earlier stage"},
        {"stage of itself", {"stages.zero.from=\"zero\""}, "stages[1].from", "expected init or an earlier stage"},
        {"later stage", {"stages.base.from=\"zero\""}, "stages[0].from", "expected init or an earlier stage"},
        {"negative rate", {"stages.zero.training.lr=-1"}, "stages[1].training.lr", "expected"},
        {"a name twice", {"stages.zero.name=\"base\""}, "stages[1].name", "expected a name of its own"},
        {"heads", {"model.arch.heads=3"}, "model.arch.hidden", "expected a multiple of heads = 3"},
        {"missing template", {"chat.template=\"no.jinja\""}, "chat.template", "no such file"},
        {"missing tokenizer", {"tokenizer.path=\"no\""}, "tokenizer.path", "no such file"},
        {"missing data", {"task={\"type\": \"jsonl\", \"train\": \"no.jsonl\"}"}, "task.train", "no such file"},
        {"undefined variable", {"name=\"${who}\""}, "name", "who"},
        {"answer beyond the context",
         {"stages.zero.sampling.max_new_tokens=100000"},
         "stages.zero.sampling.max_new_tokens",
         "expected prompt and answer within the model's 256 positions"},
        {"prompt and answer beyond the context",
         {"stages.zero.sampling.max_new_tokens=255"},
         "stages.zero.sampling.max_new_tokens",
         "+ 255"},
        {"reward out of reach", {"stages.kept.min_reward=2"}, "stages.kept.min_reward", "expected at most 1.5"},
        {"group of one", {"stages.zero.samples_per_prompt=1"}, "samples_per_prompt", "expected at least 2"},
        {"temperature 0", {"stages.zero.sampling.temperature=0"}, "sampling.temperature", "expected above 0"},
        {"weights of 0",
         {"rewards=[{\"type\": \"exact\", \"weight\": 0}]"},
         "stages.zero",
         "expected a reward of weight other than 0"},
        {"no rewards", {"rewards=[]"}, "stages.zero", "expected rewards that judge answers"},
        {"a tag that nobody asks for",
         {"rewards=[{\"type\": \"exact\", \"tag\": \"final\"}]"},
         "rewards[0]",
         "expected a form of answer that the vocabulary can write, got <final>"},
        {"a stop string that can't be written",
         {"stages.zero.sampling.stop=[\"§\"]"},
         "stages.zero.sampling.stop[0]",
         "expected a text that the vocabulary can write"},
        {"a stop string that never comes",
         {"stages.zero.sampling.stop=[\"halt here\"]"},
         "warning: --set stages.zero.sampling.stop[0]",
         "it will not stop there"},
        {"a pattern that is never found",
         {"rewards=[{\"type\": \"exact\"}, {\"type\": \"pattern\", \"pattern\": \"zq+x\"}]"},
         "rewards[1]",
         "is found in no text that was tried"},
        {"a pattern that is always found",
         {"rewards=[{\"type\": \"exact\"}, {\"type\": \"pattern\", \"pattern\": \".*\"}]"},
         "rewards[1]",
         "is found in every text that was tried"},
        {"boxes that nobody asks for",
         {"rewards=[{\"type\": \"math\", \"answer_in\": \"box\"}]"},
         "rewards[0]",
         "expected a form of answer that the vocabulary can write, got \\boxed"},
        {"warm-up beyond the steps", {"stages.zero.training.warmup_steps=1000"}, "training.warmup_steps", "got 1000"},
        {"a rate of 9", {"stages.zero.training.lr=9"}, "stages.zero.training.lr", "expected at most 0.1"},
        {"rows beyond the positions",
         {"stages.base.row_tokens=4000"},
         "stages.base.row_tokens",
         "expected at most the model's 256 positions"},
        {"the best of no evaluations",
         {"stages.zero.eval.keep=\"best\""},
         "stages.zero.eval.keep",
         "every_steps above 0"},
        {"no steps", {"stages.zero.steps=0"}, "steps", "above 0"},
    }),
    [](const auto& wrong) {
      std::string name = wrong.param.name;
      for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
      return name;
    });

TEST_F(PreflightTest, FindsNothingInARightRecipe) {
  EXPECT_EQ(findings(kChain, {}), "");
  write("train.jsonl", rows(0, 20));
  write("test.jsonl", rows(50, 10));
  EXPECT_EQ(findings(kRows, {}), "");
}

struct WrongRows {
  std::string name, train, test;
  std::vector<std::string> sets;
  std::string key, message;
};

TEST_F(PreflightTest, FindsWhatIsWrongWithRows) {
  const std::string good = rows(0, 20), other = rows(50, 10);
  const std::vector<WrongRows> cases = {
      {"empty file", "", other, {}, "train.jsonl", "expected at least one line"},
      {"broken line", good + "{\"prompt\": \n", other, {}, "train.jsonl:21", "expected"},
      {"bad UTF-8", good + "{\"prompt\": \"\xff\", \"answer\": \"1\"}\n", other, {}, "train.jsonl", "UTF-8"},
      {"no field for gold", rows(0, 20, "comment"), other, {}, "train", "gold"},
      {"gold is null", R"({"prompt": "say <answer>", "answer": null})" + std::string("\n"), other, {}, "train", ""},
      {"fields of other names", R"({"ask": "say", "reply": "1"})" + std::string("\n"), other, {}, "train.jsonl:1", ""},
      {"nobody asks for the tag",
       R"({"prompt": "say", "answer": "1"})" + std::string("\n"),
       other,
       {},
       "rewards[0]",
       "must hold <answer>, which stands neither"},
      {"train is test", good, good, {}, "task.test", "20 rows whose prompt is trained on too"},
      {"the same twice", good + good, other, {}, "task.train", "20 rows with a prompt that stood before"},
      {"fewer rows than prompts",
       rows(0, 3),
       other,
       {"stages.zero.prompts_per_step=16"},
       "stages.zero.prompts_per_step",
       "expected at most the 3 train problems, got 16"},
      {"more problems than rows", good, other, {"stages.end.problems=5000"}, "stages.end.problems", "n is 10"},
      {"one long prompt",
       good + R"({"prompt": "<answer>)" + std::string(600, 'a') + R"(", "answer": "1"})" + "\n",
       other,
       {},
       "",
       "602 + 32"},
  };
  for (const WrongRows& wrong : cases) {
    write("train.jsonl", wrong.train);
    write("test.jsonl", wrong.test);
    const std::string found = findings(kRows, wrong.sets);
    EXPECT_NE(found.find(wrong.key), std::string::npos) << wrong.name << ": " << found;
    EXPECT_NE(found.find(wrong.message), std::string::npos) << wrong.name << ": " << found;
    EXPECT_NE(found, "") << wrong.name;
  }
}

TEST_F(PreflightTest, TextThatIsNoRecipeIsRefused) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {R"({"model": {"arch": {"hidden": NaN}}})", "r.json:1"},
      {R"({"stages": [], "seed": 1e999})", "r.json:1"},
      {R"({"stages": [],})", "r.json:1"},
      {R"({"seed": 1, "seed": 2})", "r.json:1"},
      {R"({"extends": "r.json"})", "r.json"},
  };
  for (const auto& [text, where] : cases) {
    const std::string found = findings(text, {});
    EXPECT_NE(found.find(where), std::string::npos) << text << ": " << found;
  }
}

TEST_F(PreflightTest, SaysWhereAKeyWasWritten) {
  const std::string found = findings(kChain, {"stages.zero.training.lr=9"});
  EXPECT_TRUE(found.starts_with("warning: --set stages.zero.training.lr: ")) << found;
  std::string changed = kChain;
  changed.replace(changed.find("0.0003"), 6, "9");
  EXPECT_NE(findings(changed, {}).find("r.json:9:"), std::string::npos) << findings(changed, {});
}

TEST_F(PreflightTest, SaysWhatWillNotStartHere) {
  const std::string found = findings(kChain, {"model.arch.hidden=65536", "model.arch.layers=100"});
  EXPECT_NE(found.find("stages.base."), std::string::npos) << found;
  EXPECT_NE(found.find("will not start here: needs "), std::string::npos) << found;
}

TEST_F(PreflightTest, StrictTakesWarningsAsErrors) {
  const std::vector<Finding> warned = {{Severity::warning, {.where = {}, .path = "a", .message = "odd"}}};
  EXPECT_NO_THROW(throw_errors(warned));
  EXPECT_THROW(throw_errors(warned, true), Problems);
}

// The recipes that come with the program and need no files of others.
TEST(ShippedRecipesTest, AreNotComplainedOf) {
  for (const auto& entry : std::filesystem::directory_iterator(shipped_recipes())) {
    const auto name = entry.path().filename().string();
    if (!name.ends_with("-tiny.json") && name != "r1-zero.json" && name != "smoke.json") continue;
    const LoadedRecipe loaded = load_recipe(entry.path());
    for (const Finding& finding : preflight(loaded.recipe, {.quick = true, .source = &loaded.source}))
      ADD_FAILURE() << finding.text();
  }
}

}  // namespace
}  // namespace posttrain::pipeline

#include "pipeline/recipe/recipe.h"

#include "folder.h"
#include "pipeline/recipe/compose.h"
#include "pipeline/recipe/recipe_doc.h"
#include "pipeline/recipe/recipe_view.h"

namespace posttrain::pipeline {
namespace {

constexpr const char* small_model = R"("model": {"arch": {"hidden": 48, "layers": 3, "heads": 4, "mlp": 128}})";

class RecipeTest : public FolderTest {
 protected:
  std::filesystem::path recipe(const std::string& keys, const std::string& stages = "[]") {
    return write("r.json", "{" + std::string(small_model) + ", \"stages\": " + stages + keys + "}");
  }
  std::string complaints(const std::filesystem::path& file, const std::vector<std::string>& sets = {}) {
    try {
      load_recipe(file, sets);
    } catch (const Problems& e) {
      return local(e.what());
    }
    return "";
  }
};

TEST_F(RecipeTest, TheResolvedRecipeHasEveryValueAndReadsBackAsItself) {
  const auto file = recipe(R"(, "rewards": [{"type": "format", "weight": 0.5}], "task": {"type": "chain"})");
  const Json resolved = to_json(load_recipe(file, {"seed=3"}).recipe);
  EXPECT_EQ(resolved["name"], "r");
  EXPECT_EQ(resolved["seed"], 3);
  EXPECT_EQ(resolved["model"]["arch"]["kv_heads"], 4);
  EXPECT_EQ(resolved["model"]["arch"]["head_dim"], 12);
  EXPECT_EQ(resolved["rewards"][0]["weight"], 0.5);
  EXPECT_EQ(to_line(to_json(recipe_from_json(resolved, "run.db"))), to_line(resolved));
  const auto stored = write("run/recipe.resolved.json", to_pretty(resolved));
  EXPECT_EQ(to_line(to_json(load_recipe(stored).recipe)), to_line(resolved));
}

TEST_F(RecipeTest, PathsStartFromTheFileThatNamesThemAndMustExistBeforeARun) {
  write("sub/base.json", R"({"tokenizer": {"path": "tok"}})");
  const auto file =
      write("r.json", std::string("{\"extends\": \"sub/base.json\", ") + small_model + ", \"stages\": []}");
  const Recipe loaded = load_recipe(file).recipe;
  EXPECT_EQ(loaded.tokenizer.path, (folder_ / "sub" / "tok").string());
  EXPECT_THROW(check_inputs(loaded), Problems);
  write("sub/tok/tokenizer.json", "{}");
  check_inputs(loaded);
  EXPECT_EQ(load_recipe(file, {"tokenizer.path=x"}).recipe.tokenizer.path,
            (std::filesystem::current_path() / "x").string());
}

TEST_F(RecipeTest, WhatOneFieldCantTellIsChecked) {
  EXPECT_EQ(complaints(write("a.json", R"({"model": {}, "stages": []})")),
            "a.json:1:11 model: expected exactly one of path and arch");
  EXPECT_EQ(complaints(recipe(""), {"model.arch.heads=5"}),
            "r.json:1:31 model.arch.hidden: expected a multiple of heads = 5, or head_dim given");
  EXPECT_EQ(complaints(recipe(""), {"model.arch.kv_heads=3"}),
            "--set model.arch.kv_heads: expected a divisor of heads = 4");
  EXPECT_EQ(complaints(write("b.json", "{}")),
            "b.json:1:1 model: missing: The model that the first stage starts from\n"
            "b.json:1:1 stages: missing: The pipeline, in order");
}

TEST_F(RecipeTest, StagesNameEarlierOnesThatLeaveWhatTheyNeed) {
  const auto wrong = [&](const std::string& stages) {
    return complaints(recipe(R"(, "task": {"type": "chain"})", "[" + stages + "]"));
  };
  const std::string base = R"({"name": "base", "type": "sft", "data": [{"documents": 9}]})";
  const std::string plain = R"({"name": "s", "type": "reject"})",
                    paired = R"({"name": "s", "type": "reject", "pairs_per_prompt": 1})";
  const std::string dpo = R"({"name": "d", "type": "dpo", "pairs": {"stage": "s"}})";
  EXPECT_EQ(wrong(base + "," + paired + "," + dpo), "");
  EXPECT_NE(wrong(base + "," + plain + "," + dpo).find("pairs.stage: expected an earlier stage that leaves pairs"),
            std::string::npos);
  EXPECT_NE(wrong(base + "," + dpo + "," + paired).find("leaves pairs"), std::string::npos) << "not yet there";
  const std::string distill = R"({"name": "k", "type": "distill", "teacher": "s"})";
  EXPECT_NE(wrong(base + "," + plain + "," + distill).find("teacher: expected an earlier stage that leaves model"),
            std::string::npos);
  const std::string scorer = R"({"name": "r", "type": "reward_model", "pairs": {"stage": "s"}})";
  const auto loaded = load_recipe(recipe(R"(, "task": {"type": "chain"})", "[" + base + "," + paired + "," + scorer +
                                                                               R"(, {"name": "z", "type": "grpo"}])"));
  EXPECT_EQ(loaded.recipe.stages[3].from, "base") << "a reward model does not answer prompts";
}

TEST_F(RecipeTest, UnknownKeysOfFileAndCommandLineAreErrors) {
  EXPECT_EQ(complaints(recipe(",\n\"sede\": 1, \"rope_teta\": 2"), {"model.archh.x=1"}),
            "r.json:2:1 sede: unknown key; did you mean \"seed\"?\n"
            "r.json:2:12 rope_teta: unknown key; did you mean \"rope_theta\"? (in model.arch)\n"
            "--set model.archh: unknown key; did you mean \"arch\"?");
}

TEST_F(RecipeTest, EachValueTellsItsOrigin) {
  const auto loaded = load_recipe(recipe(",\n\"threads\": 2"), {"seed=5"});
  std::map<std::string, std::string> origins;
  for (const auto& view : view_recipe(loaded)) origins[view.path] = local(view.origin);
  EXPECT_EQ(origins["threads"], "r.json:2:12");
  EXPECT_EQ(origins["seed"], "--set");
  EXPECT_EQ(origins["model.arch.rope_theta"], "default");
  EXPECT_EQ(origins["model.arch.head_dim"], "derived");
}

TEST_F(RecipeTest, ComparingIgnoresEqualDefaults) {
  const auto file = recipe("");
  EXPECT_TRUE(compare_recipes(load_recipe(file).recipe, load_recipe(file, {"threads=0"}).recipe).empty());
  const auto differences = compare_recipes(load_recipe(file).recipe, load_recipe(file, {"seed=2"}).recipe);
  ASSERT_EQ(differences.size(), 1u);
  EXPECT_EQ(differences[0].path, "seed");
  EXPECT_EQ(differences[0].second, "2");
}

TEST(RecipeReference, ExplainsKeysByPathAndByTail) {
  EXPECT_NE(explain_key("model.arch.hidden").find("Width of the residual stream"), std::string::npos);
  EXPECT_EQ(explain_key("dynamic_sampling.max_rounds"), explain_key("stages.grpo.dynamic_sampling.max_rounds"));
  EXPECT_EQ(explain_key("grpo.max_rounds"), explain_key("stages.grpo.dynamic_sampling.max_rounds"));
  EXPECT_NE(explain_key("rewards").find("format"), std::string::npos);
  EXPECT_EQ(explain_key("nothing-of-the-kind"), "");
}

// The committed files are what the program prints; `posttrain schema` and `posttrain help --markdown` make them anew.
TEST(RecipeReference, CommittedSchemaAndReferenceAreCurrent) {
  const std::filesystem::path root = POSTTRAIN_SOURCE_DIR;
  EXPECT_TRUE(read_file(root / "recipes/posttrain.schema.json") == to_pretty(recipe_schema()) + "\n")
      << "run: build/posttrain schema > recipes/posttrain.schema.json";
  EXPECT_TRUE(read_file(root / "docs/recipes.md") == recipe_markdown())
      << "run: build/posttrain help --markdown > docs/recipes.md";
}

TEST(ShippedRecipes, AreAllValid) {
  for (const auto& entry : std::filesystem::directory_iterator(shipped_recipes())) {
    const auto name = entry.path().filename().string();
    if (!name.ends_with(".json") || name.ends_with(".schema.json")) continue;
    EXPECT_NO_THROW(load_recipe(entry.path())) << name;
  }
}

}  // namespace
}  // namespace posttrain::pipeline

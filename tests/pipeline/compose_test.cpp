#include "pipeline/recipe/compose.h"

#include "folder.h"

namespace posttrain::pipeline {
namespace {

class Compose : public FolderTest {
 protected:
  // The composed JSON on one line, or the problems.
  std::string compose(const std::string& file, const std::vector<std::string>& sets = {}) {
    std::vector<Problem> problems;
    try {
      const Node node = compose_recipe(folder_ / file, sets, problems);
      if (problems.empty()) return to_line(node.json());
    } catch (const Problems& e) {
      return local(e.what());
    }
    return local(Problems(problems).what());
  }
};

TEST_F(Compose, ObjectsMergeDeepAllElseReplacesAndNullRemoves) {
  write("base.json", R"({"a": {"x": 1, "y": 2}, "list": [1, 2], "gone": 1, "keep": true})");
  write("r.json",
        R"({"$schema": "s", "extends": "base.json", "a": {"y": 3, "z": {"q": null}}, "list": [9], "gone": null})");
  EXPECT_EQ(compose("r.json"), R"({"a":{"x":1,"y":3,"z":{}},"list":[9],"keep":true})");
}

TEST_F(Compose, AnObjectOfAnotherTypeStartsAfresh) {
  write("base.json", R"({"task": {"type": "chain", "steps": 2}})");
  write("other.json", R"({"extends": "base", "task": {"type": "jsonl", "path": "x"}})");
  write("same.json", R"({"extends": "base", "task": {"type": "chain", "seed": 2}})");
  EXPECT_EQ(compose("other.json"), R"({"task":{"type":"jsonl","path":"x"}})");
  EXPECT_EQ(compose("same.json"), R"({"task":{"type":"chain","steps":2,"seed":2}})");
}

TEST_F(Compose, SeveralBasesApplyFromLeftToRightEachRelativeToItsOwnFolder) {
  write("sub/one.json", R"({"extends": "two.json", "x": 1, "y": 1})");
  write("sub/two.json", R"({"y": 2, "z": 2})");
  write("three.json", R"({"x": 3})");
  write("r.json", R"({"extends": ["sub/one.json", "three"], "w": 0})");
  EXPECT_EQ(compose("r.json"), R"({"y":1,"z":2,"x":3,"w":0})");
}

TEST_F(Compose, CyclesAndMissingBasesAreToldWithTheirPlace) {
  write("a.json", R"({"extends": "b.json"})");
  write("b.json", "{\n\"extends\": [\"./a.json\"]}");
  EXPECT_EQ(compose("a.json"), R"(b.json:2:13 extends: "./a.json" extends itself, directly or by others)");
  write("c.json", R"({"extends": ["nothing", 3]})");
  EXPECT_EQ(compose("c.json"),
            "c.json:1:14 extends: no such recipe: \"nothing\"\n"
            "c.json:1:25 extends: expected the name of a recipe file, or a list of them");
  EXPECT_THROW(compose("absent.json"), Error);
}

TEST_F(Compose, VariablesKeepTheirTypeAloneAndBecomeLettersWithinText) {
  write("r.json", R"({"vars": {"n": 8, "who": "tiny-${n}", "all": [1, {"k": "${n}"}]},
                      "steps": "${n}", "name": "${who}-$${n}", "list": "${all}"})");
  EXPECT_EQ(compose("r.json"), R"({"steps":8,"name":"tiny-8-${n}","list":[1,{"k":8}]})");
  EXPECT_EQ(compose("r.json", {"vars.n=9"}), R"({"steps":9,"name":"tiny-9-${n}","list":[1,{"k":9}]})");
  write("child.json", R"({"extends": "r.json", "vars": {"n": 10}})");
  EXPECT_EQ(compose("child.json"), R"({"steps":10,"name":"tiny-10-${n}","list":[1,{"k":10}]})");
}

TEST_F(Compose, BadVariablesAreTold) {
  write("r.json", "{\"vars\": {\"steps\": [1]},\n\"a\": \"${stesp}\",\n\"b\": [\"x${steps}\", \"${\"]}");
  EXPECT_EQ(compose("r.json"),
            "r.json:2:6 a: unknown variable \"stesp\"; did you mean \"steps\"?\n"
            "r.json:3:7 b[0]: a list or object can't stand within a text\n"
            "r.json:3:20 b[1]: \"${\" without \"}\"; write \"$${\" for the letters");
  std::string bomb = "{\"vars\": {\"v0\": \"aaaaaaaaaa\"";
  for (int i = 1; i < 60; ++i) {
    const std::string last = "${v" + std::to_string(i - 1) + "}";
    bomb += ", \"v" + std::to_string(i) + "\": \"" + last + last + "\"";
  }
  write("bomb.json", bomb + "}}");
  EXPECT_NE(compose("bomb.json").find("grows beyond"), std::string::npos);
}

TEST_F(Compose, SetChangesMakesAndRemovesByPathPlaceNameAndType) {
  write("r.json",
        R"({"a": {"b": 1}, "stages": [{"name": "zero", "lr": 1}, {"name": "sft"}], "rewards": [{"type": "format"}]})");
  EXPECT_EQ(compose("r.json", {"a.b=2.5", "a.c.d=text with = sign", "stages[1].lr=3", "stages.zero.lr=[4]",
                               "rewards.format.weight=0.5", "new=\"7\""}),
            R"({"a":{"b":2.5,"c":{"d":"text with = sign"}},"stages":[{"name":"zero","lr":[4]},{"name":"sft","lr":3}],)"
            R"("rewards":[{"type":"format","weight":0.5}],"new":"7"})");
  EXPECT_EQ(compose("r.json", {"stages.zero=null", "a.b=null", "rewards=[]"}),
            R"({"a":{},"stages":[{"name":"sft"}],"rewards":[]})");
}

TEST_F(Compose, BadSetsAreToldTogether) {
  write("r.json", R"({"a": 1, "stages": [{"name": "zero"}]})");
  EXPECT_EQ(compose("r.json", {"novalue", "stages.zeor.lr=1", "stages[3].lr=1", "a.b=1", "a[0]=1", "=3"}),
            "--set novalue: expected KEY=VALUE\n"
            "--set stages.zeor.lr: the list of 1 has no element zeor; did you mean \"zero\"?\n"
            "--set stages[3].lr: the list of 1 has no element [3]\n"
            "--set a.b: \"b\" is looked for in something that isn't an object\n"
            "--set a[0]: \"[0]\" is looked for in something that isn't a list\n"
            "--set =3: expected KEY=VALUE");
}

}  // namespace
}  // namespace posttrain::pipeline

#include "base/params.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "base/node.h"
#include "base/rng.h"

namespace posttrain {
namespace {

struct Sampling {
  double temperature = 1;
  int64_t max_new_tokens = 256;
  void visit(Visitor& v) {
    v("temperature", temperature, {.doc = "Softmax temperature; 0 is greedy", .min = 0, .max = 10});
    v("max_new_tokens", max_new_tokens, {.doc = "Longest completion", .min = 1, .unit = "tokens"});
  }
};

enum class Speed : uint8_t { slow, very_fast };
constexpr auto enum_names(Speed) {
  return std::to_array({"slow", "very-fast"});
}

struct Sft {
  int64_t epochs = 3;
  void visit(Visitor& v) { v("epochs", epochs, {.doc = "Passes over the data", .min = 1}); }
};

struct Grpo {
  double clip_low = 0.2;
  Sampling sampling{.temperature = 0.9};
  void visit(Visitor& v) {
    v("clip_low", clip_low, {.doc = "How far below 1 the ratio counts", .min = 0, .max = 1});
    v("sampling", sampling, {.doc = "How completions are drawn"});
  }
};

constexpr ParamsCase stage_cases[] = {
    {"sft", "Supervised fine-tuning", &make_params<Sft>},
    {"grpo", "Reinforcement learning in groups", &make_params<Grpo>},
};

struct Stage {
  std::string name;
  Tagged settings{stage_cases};
  void visit(Visitor& v) {
    v("name", name, {.doc = "Unique name", .required = true});
    v.tagged("type", settings, {.doc = "What the stage does", .required = true});
  }
};

struct Plan {
  int64_t seed = 1;
  bool resume = false;
  std::string mode = "auto";
  Speed speed = Speed::slow;
  std::vector<Speed> speeds;
  std::vector<double> weights = {1, 2};
  std::optional<Sampling> eval;
  std::vector<Stage> stages;
  Json task = Json::object();
  int64_t old_threads = 0;
  int64_t low = 0, high = 10;
  void visit(Visitor& v) {
    v("seed", seed, {.doc = "Of all random numbers", .min = 0});
    v("resume", resume);
    v("mode", mode, {.doc = "How", .choices = {"auto", "exact", "quick"}});
    v("speed", speed, {.doc = "How fast"});
    v("speeds", speeds);
    v("weights", weights, {.doc = "One a part", .min = 0});
    v("eval", eval);
    v("stages", stages);
    v("task", task);
    v("old_threads", old_threads, {.deprecated_by = "threads"});
    v("low", low);
    v("high", high);
  }
  void check(const Complain& complain) const {
    if (low > high) complain("low", "expected at most high = " + std::to_string(high));
  }
};

Plan read(const std::string& text) {
  std::vector<Problem> problems;
  const Node node = parse_node(text, "r.json", problems);
  Plan plan;
  read_params(node, slot(plan), "", problems);
  if (!problems.empty()) throw Problems(problems);
  return plan;
}

// The text of all problems, one a line; empty when there is none.
std::string complaints(const std::string& text) {
  try {
    read(text);
  } catch (const Problems& e) {
    return e.what();
  }
  return "";
}

TEST(Params, ReadsEveryKindOfFieldAndKeepsDefaults) {
  const Plan plan = read(R"({
    // a comment
    "seed": 7, "resume": true, "mode": "exact", "weights": [0.5], /* and another */
    "eval": {"temperature": 0},
    "task": {"type": "chain", "free": [1, {"x": null}]},
    "stages": [{"name": "a", "type": "sft", "epochs": 1e1},
               {"name": "b", "type": "grpo", "sampling": {"max_new_tokens": 64}}]
  })");
  EXPECT_EQ(plan.seed, 7);
  EXPECT_TRUE(plan.resume);
  EXPECT_EQ(plan.mode, "exact");
  EXPECT_EQ(plan.weights, std::vector<double>{0.5});
  ASSERT_TRUE(plan.eval);
  EXPECT_EQ(plan.eval->temperature, 0);
  EXPECT_EQ(plan.eval->max_new_tokens, 256);
  EXPECT_EQ(plan.task["free"][1]["x"], nullptr);
  ASSERT_EQ(plan.stages.size(), 2u);
  EXPECT_EQ(plan.stages[0].settings.get<Sft>()->epochs, 10);
  EXPECT_EQ(plan.stages[0].settings.get<Grpo>(), nullptr);
  EXPECT_EQ(plan.stages[1].settings.get<Grpo>()->sampling.max_new_tokens, 64);
  EXPECT_EQ(plan.stages[1].settings.get<Grpo>()->sampling.temperature, 0.9);
}

TEST(Params, AnEnumIsWrittenByTheNamesOfItsTable) {
  const Plan plan = read(R"({"speed": "very-fast", "speeds": ["slow", "very-fast"]})");
  EXPECT_EQ(plan.speed, Speed::very_fast);
  EXPECT_EQ(plan.speeds, (std::vector<Speed>{Speed::slow, Speed::very_fast}));
  EXPECT_EQ(params_to_json(plan)["speed"], "very-fast");
  EXPECT_EQ(params_to_json(plan)["speeds"][0], "slow");
  EXPECT_EQ(
      complaints(R"({"speed": "very-fst"})"),
      "r.json:1:11 speed: expected one of slow, very-fast, got the text \"very-fst\"; did you mean \"very-fast\"?");
  EXPECT_EQ(complaints(R"({"speed": 1})"), "r.json:1:11 speed: expected one of slow, very-fast, got 1");
  EXPECT_EQ(complaints(R"({"speeds": ["fast"]})"),
            "r.json:1:13 speeds[0]: expected one of slow, very-fast, got the text \"fast\"");
  Plan fresh;
  for (const auto& info : describe_params(slot(fresh))) {
    if (!info.name.starts_with("speed")) continue;
    EXPECT_EQ(info.choices, (std::vector<std::string>{"slow", "very-fast"})) << info.name;
  }
  const Json schema = schema_of(slot(fresh));
  EXPECT_EQ(to_line(schema["properties"]["speed"]["anyOf"][0]["enum"]), R"(["slow","very-fast"])");
  EXPECT_EQ(to_line(schema["properties"]["speeds"]["items"]["anyOf"][0]["enum"]), R"(["slow","very-fast"])");
  EXPECT_EQ(from_name<Speed>("very-fast"), Speed::very_fast);
  EXPECT_EQ(from_name<Speed>("fast"), std::nullopt);
}

TEST(Params, PrintedAndReadAgainIsTheSame) {
  const Json printed = params_to_json(
      read(R"({"seed": 9007199254740993, "weights": [0.1, 1e-300], "stages": [{"name": "z", "type": "grpo"}]})"));
  EXPECT_EQ(printed["seed"], 9007199254740993);
  EXPECT_EQ(printed["stages"][0]["type"], "grpo");
  EXPECT_EQ(printed["stages"][0]["sampling"]["max_new_tokens"], 256);
  EXPECT_FALSE(printed.contains("old_threads"));
  EXPECT_EQ(to_line(params_to_json(params_from<Plan>(printed, "resolved"))), to_line(printed));
  EXPECT_EQ(to_line(params_to_json(read(to_pretty(printed)))), to_line(printed));
}

TEST(Params, EveryProblemIsToldAtOnceWithItsPlace) {
  EXPECT_EQ(complaints("{\n"
                       "  \"sede\": 1,\n"
                       "  \"seed\": \"x\",\n"
                       "  \"mode\": \"exat\",\n"
                       "  \"weights\": [1, -2],\n"
                       "  \"stages\": [{\"type\": \"grpo\", \"clip_low\": 2},\n"
                       "             {\"name\": \"s\", \"type\": \"gpro\", \"whatever\": 1}],\n"
                       "  \"old_threads\": 2,\n"
                       "  \"low\": 11\n"
                       "}"),
            "r.json:2:3 sede: unknown key; did you mean \"seed\"?\n"
            "r.json:3:11 seed: expected a whole number at least 0, got the text \"x\"\n"
            "r.json:4:11 mode: expected one of auto, exact, quick, got the text \"exat\"; did you mean \"exact\"?\n"
            "r.json:5:18 weights[1]: expected a number at least 0, got -2\n"
            "r.json:6:14 stages[0].name: missing: Unique name\n"
            "r.json:6:43 stages[0].clip_low: expected a number at least 0 and at most 1, got 2\n"
            "r.json:7:36 stages[1].type: expected one of sft, grpo, got the text \"gpro\"; did you mean \"grpo\"?\n"
            "r.json:8:18 old_threads: renamed; write \"threads\" instead\n"
            "r.json:9:10 low: expected at most high = 10");
}

TEST(Params, AnUnknownKeyIsLookedForInTheWholeTree) {
  EXPECT_EQ(complaints(R"({"temprature": 1})"),
            "r.json:1:2 temprature: unknown key; did you mean \"temperature\"? (in eval)");
  EXPECT_EQ(complaints(R"({"stages": [{"name": "s", "type": "sft", "clip_lo": 1}]})"),
            "r.json:1:42 stages[0].clip_lo: unknown key; did you mean \"clip_low\"? (in stages.grpo)");
  EXPECT_EQ(complaints(R"({"stages": [{"name": "s", "type": "sft", "clip_low": 1}]})"),
            "r.json:1:42 stages[0].clip_low: unknown key; it belongs to type grpo, this one is sft");
  EXPECT_EQ(complaints(R"({"eval": {"xyzzy": 1}})"),
            "r.json:1:11 eval.xyzzy: unknown key; known here: temperature, max_new_tokens");
}

TEST(Params, WholeNumbersAreExactAndWrongTypesAreNotConverted) {
  EXPECT_NE(complaints(R"({"seed": 1.5})"), "");
  EXPECT_NE(complaints(R"({"seed": 1e300})"), "");
  EXPECT_NE(complaints(R"({"seed": 18446744073709551615})"), "");
  EXPECT_NE(complaints(R"({"seed": true})"), "");
  EXPECT_NE(complaints(R"({"resume": 1})"), "");
  EXPECT_NE(complaints(R"({"mode": null})"), "");
  EXPECT_NE(complaints(R"({"weights": 1})"), "");
  EXPECT_NE(complaints(R"({"stages": {}})"), "");
  EXPECT_NE(complaints(R"([])"), "");
  EXPECT_EQ(complaints(R"({"eval": null})"), "");
}

TEST(Params, SyntaxErrorsNameThePlaceAndWhatToDo) {
  EXPECT_EQ(complaints("{\n \"seed\": 1,\n}"), "r.json:2:11: trailing comma before \"}\"; remove it");
  EXPECT_EQ(complaints("{\"weights\": [1,]}"), "r.json:1:15 weights: trailing comma before \"]\"; remove it");
  EXPECT_EQ(complaints("{\"seed\": 1 \"mode\": 2}"), "r.json:1:12: expected \",\" or \"}\", got \"\"\"");
  EXPECT_EQ(complaints("{seed: 1}"), "r.json:1:2: expected a key in double quotes, got \"s\"");
  EXPECT_EQ(complaints("{\"seed\": 1} x"), "r.json:1:13: expected the end of the file, got \"x\"");
  EXPECT_EQ(complaints("{ /* "), "r.json:1:3: comment is never closed; expected */");
  EXPECT_EQ(complaints(""), "r.json:1:1: expected a value, got the end of the file");
  EXPECT_NE(complaints("{\"seed\": tru}").find("r.json:1:10 seed: expected a value"), std::string::npos);
  EXPECT_NE(complaints("{\"mode\": \"a\n\"}").find("text is not closed"), std::string::npos);
  EXPECT_NE(complaints("{\"mode\": \"\xff\"}").find("valid UTF-8"), std::string::npos);
  EXPECT_NE(complaints("{\"low\": 1e999}").find("low"), std::string::npos);
  EXPECT_NE(complaints(std::string(5000, '[')).find("nested deeper"), std::string::npos);
  EXPECT_EQ(complaints("{\"seed\": 1,\n\"seed\": 2}"), "r.json:2:1 seed: key is given twice; first at r.json:1:2");
}

TEST(Params, ACopyOfATaggedStructIsItsOwn) {
  Plan plan = read(R"({"stages": [{"name": "s", "type": "sft", "epochs": 4}]})");
  const Plan copy = plan;
  plan.stages[0].settings.get<Sft>()->epochs = 5;
  EXPECT_EQ(copy.stages[0].settings.get<Sft>()->epochs, 4);
}

TEST(Params, DescriptionNamesEveryFieldOnce) {
  Plan plan;
  std::vector<std::string> paths;
  for (const auto& info : describe_params(slot(plan))) {
    paths.push_back(info.path);
    if (info.path == "stages.grpo.clip_low") {
      EXPECT_EQ(info.type, "number");
      EXPECT_EQ(info.default_text, "0.2");
      EXPECT_EQ(info.range, "0 to 1");
    }
    if (info.path == "stages.grpo.sampling.temperature") {
      EXPECT_EQ(info.default_text, "0.9");
    }
  }
  EXPECT_EQ(paths, (std::vector<std::string>{"seed",
                                             "resume",
                                             "mode",
                                             "speed",
                                             "speeds",
                                             "weights",
                                             "eval",
                                             "eval.temperature",
                                             "eval.max_new_tokens",
                                             "stages",
                                             "stages.name",
                                             "stages.type",
                                             "stages.sft",
                                             "stages.sft.epochs",
                                             "stages.grpo",
                                             "stages.grpo.clip_low",
                                             "stages.grpo.sampling",
                                             "stages.grpo.sampling.temperature",
                                             "stages.grpo.sampling.max_new_tokens",
                                             "task",
                                             "old_threads",
                                             "low",
                                             "high"}));
}

TEST(Params, SchemaForbidsUnknownKeysAndCarriesRangesAndDefaults) {
  Plan plan;
  const Json schema = schema_of(slot(plan));
  EXPECT_EQ(schema["additionalProperties"], false);
  EXPECT_EQ(schema["properties"]["seed"]["minimum"], 0);
  EXPECT_EQ(schema["properties"]["seed"]["default"], 1);
  EXPECT_EQ(schema["properties"]["mode"]["anyOf"][0]["enum"], (Json{"auto", "exact", "quick"}));
  const Json& stage = schema["properties"]["stages"]["items"];
  EXPECT_EQ(stage["properties"]["type"]["enum"], (Json{"sft", "grpo"}));
  EXPECT_EQ(stage["required"], (Json{"name", "type"}));
  EXPECT_EQ(stage["allOf"][1]["then"]["properties"]["clip_low"]["maximum"], 1);
  EXPECT_EQ(stage["allOf"][1]["then"]["additionalProperties"], false);
}

// Damaged texts are refused with a message or read; nothing else may happen (the sanitizer run watches).
TEST(Params, DamagedTextsAreRefusedCleanly) {
  const std::string good =
      R"({"seed": 7, "mode": "exact", "weights": [0.5], /* c */ "eval": {"temperature": 0}, "task": {"a": [1, {}]},
          "stages": [{"name": "a\u00e9", "type": "sft", "epochs": 1}, {"name": "b", "type": "grpo"}]})";
  int read_well = 0, refused = 0;
  for (uint64_t round = 0; round < 4000; ++round) {
    std::string text = good;
    Rng rng({1, round});
    const auto draw = [&](size_t n) { return static_cast<size_t>(rng.integer(0, static_cast<int64_t>(n) - 1)); };
    for (uint64_t edit = 0; edit < 1 + round % 3; ++edit) {
      const size_t at = draw(text.size());
      switch (draw(3)) {
        case 0:
          text[at] = "{}[],:\"\\/*0e-\n\xff"[draw(15)];
          break;
        case 1:
          text.erase(at, 1 + draw(8));
          break;
        default:
          text.insert(at, text.substr(draw(text.size()), draw(12)));
      }
    }
    complaints(text).empty() ? ++read_well : ++refused;
  }
  EXPECT_GT(read_well, 20);
  EXPECT_GT(refused, 2000);
}

}  // namespace
}  // namespace posttrain

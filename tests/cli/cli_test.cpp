#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "base/json.h"
#include "cli/command.h"

namespace posttrain::cli {
namespace {

struct Outcome {
  int status;
  std::string out, err;
};

Outcome run(std::vector<const char*> words) {
  words.insert(words.begin(), "posttrain");
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  const int status = run_command_line(static_cast<int>(words.size()), words.data());
  std::fflush(stdout);
  return {status, testing::internal::GetCapturedStdout(), testing::internal::GetCapturedStderr()};
}

TEST(CommandLine, HelpListsEveryCommandWithItsSummary) {
  const Outcome outcome = run({"help"});
  EXPECT_EQ(outcome.status, 0);
  for (const Command& command : commands()) {
    EXPECT_NE(outcome.out.find(command.name), std::string::npos) << command.name;
    EXPECT_NE(outcome.out.find(command.summary), std::string::npos) << command.name;
  }
  EXPECT_EQ(run({}).out, outcome.out);
}

TEST(CommandLine, EveryCommandHasAPageWithAnExample) {
  std::set<std::string> names;
  for (const Command& command : commands()) {
    EXPECT_TRUE(names.insert(command.name).second) << command.name << " is in the table twice";
    const Outcome outcome = run({"help", command.name});
    EXPECT_EQ(outcome.status, 0);
    // A word that is also a key of recipes is explained as both, the command first.
    EXPECT_TRUE(outcome.out.starts_with(run({command.name, "--help"}).out)) << command.name;
    EXPECT_NE(outcome.out.find("posttrain " + std::string(command.name)), std::string::npos) << command.name;
    EXPECT_NE(outcome.out.find("Example:"), std::string::npos) << command.name;
  }
}

TEST(CommandLine, VersionIsOneLine) {
  const Outcome outcome = run({"--version"});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.out.substr(0, 10), "posttrain ");
}

TEST(CommandLine, MistypedWordsAreBadInputAndTheNearestIsNamed) {
  const Outcome command = run({"hlep"});
  EXPECT_EQ(command.status, 2);
  EXPECT_EQ(command.out, "");
  EXPECT_NE(command.err.find("unknown command \"hlep\"; did you mean \"help\"?"), std::string::npos) << command.err;
  const Outcome option = run({"help", "--hlep"});
  EXPECT_EQ(option.status, 2);
  EXPECT_NE(option.err.find("unknown option --hlep; did you mean \"--help\"?"), std::string::npos) << option.err;
}

// What a recipe refuses the command line refuses, with the same words and before a model is read.
TEST(CommandLine, SettingsOutsideTheirRangeAreRefusedWithIt) {
  const std::vector<std::pair<std::vector<const char*>, const char*>> refused = {
      {{"generate", "m", "--top-p", "5"}, "--top-p: expected a number at least 0 and at most 1, got 5"},
      {{"generate", "m", "--top-p", "-1"}, "--top-p: expected a number at least 0 and at most 1, got -1"},
      {{"generate", "m", "--temperature", "nan"}, "--temperature: expected a number at least 0"},
      {{"generate", "m", "--temperature", "-1"}, "--temperature: expected a number at least 0"},
      {{"generate", "m", "--temperature", "warm"}, "--temperature: expected a number at least 0"},
      {{"generate", "m", "--top-k", "-3"}, "--top-k: expected a whole number at least 0, got -3"},
      {{"generate", "m", "--top-k", "2.5"}, "--top-k: expected a whole number at least 0, got 2.5"},
      {{"generate", "m", "--max-new-tokens", "-5"}, "--max-new-tokens: expected a whole number at least 1"},
      {{"generate", "m", "--max-new-tokens", "0"}, "--max-new-tokens: expected a whole number at least 1"},
      {{"generate", "m", "--samples", "-1"}, "--samples: expected a whole number at least 1"},
      {{"generate", "m", "--samples", "0"}, "--samples: expected a whole number at least 1"},
      {{"generate", "m", "--seed", "-1"}, "--seed: expected a whole number at least 0"},
      {{"generate", "m", "--threads", "-1"}, "--threads: expected a whole number at least 0"},
      {{"chat", "m", "--min-p", "2"}, "--min-p: expected a number at least 0 and at most 1, got 2"},
      {{"chat", "m", "--context", "0"}, "--context: expected a whole number at least 2"},
      {{"eval", "m", "--problems", "0"}, "--problems: expected a whole number at least 1"},
      {{"eval", "m", "--problems", "-3"}, "--problems: expected a whole number at least 1"},
      {{"eval", "m", "--samples", "-2"}, "--samples: expected a whole number at least 1"},
      {{"score", "code", "f", "--language", "perl"}, "--language: expected one of auto, python, cpp"},
      {{"bench", "decode", "--steps", "0"}, "--steps: expected a whole number at least 1"},
  };
  for (const auto& [words, said] : refused) {
    const Outcome outcome = run(words);
    EXPECT_EQ(outcome.status, 2) << said;
    EXPECT_NE(outcome.err.find(said), std::string::npos) << said << "\n" << outcome.err;
  }
}

TEST(CommandLine, AHelpPageTellsASettingsRangeAndDefault) {
  const std::string page = run({"generate", "--help"}).out;
  EXPECT_NE(page.find("--top-p"), std::string::npos) << page;
  EXPECT_NE(page.find("0 to 1"), std::string::npos) << page;
  EXPECT_NE(page.find("what is left of the context"), std::string::npos) << page;
}

TEST(CommandLine, WithJsonErrorsAreLinesAmongTheEvents) {
  const Outcome option = run({"generate", "m", "--top-p", "5", "--json"});
  EXPECT_EQ(option.status, 2);
  EXPECT_EQ(option.err, "");
  const Json said = parse_json(option.out, "stdout");
  EXPECT_EQ(said["event"], "error");
  EXPECT_NE(said["message"].get<std::string>().find("--top-p"), std::string::npos);

  const auto file = std::filesystem::temp_directory_path() / ("wrong-" + std::to_string(getpid()) + ".json");
  std::ofstream(file) << "{\n  \"seed\": \"one\",\n  \"stagez\": []\n}\n";
  const std::string path = file.string();
  const Outcome recipe = run({"run", path.c_str(), "--json"});
  std::filesystem::remove(file);
  EXPECT_EQ(recipe.status, 2);
  std::istringstream lines(recipe.out);
  std::map<std::string, Json> by_key;
  for (std::string line; std::getline(lines, line);) {
    const Json one = parse_json(line, "stdout");
    EXPECT_EQ(one["event"], "error") << line;
    by_key[one.value("key", "")] = one;
  }
  ASSERT_TRUE(by_key.contains("seed")) << recipe.out;
  EXPECT_EQ(by_key["seed"]["line"], 2);
  EXPECT_EQ(by_key["seed"]["got"], "the text \"one\"");
  EXPECT_NE(by_key["seed"]["expected"].get<std::string>().find("a whole number"), std::string::npos);
  EXPECT_NE(by_key["seed"]["file"].get<std::string>().find("wrong-"), std::string::npos);
  ASSERT_TRUE(by_key.contains("stagez")) << recipe.out;
  EXPECT_EQ(by_key["stagez"]["line"], 3);

  const Outcome unknown = run({"run", "--nothing", "--json"});
  EXPECT_EQ(unknown.status, 2);
  EXPECT_EQ(parse_json(unknown.out, "stdout")["event"], "error");
}

TEST(CommandLine, AShippedRecipeIsFoundByItsName) {
  const Outcome shown = run({"recipe", "show", "r1-zero"});
  EXPECT_EQ(shown.status, 0) << shown.err;
  EXPECT_NE(shown.out.find("\"stages\""), std::string::npos);
  const Outcome other = run({"recipe", "show", "r1-zeroo"});
  EXPECT_EQ(other.status, 2);
  EXPECT_NE(other.err.find("did you mean \"r1-zero\""), std::string::npos) << other.err;
}

TEST(CommandLine, AListTakesEveryWordUpToTheNextOption) {
  const Outcome second = run({"parity", "--rl", "/no/such/first", "/no/such/second"});
  EXPECT_EQ(second.status, 2);
  EXPECT_NE(second.err.find("/no/such/first/model"), std::string::npos) << second.err;  // not the second, as a model
}

}  // namespace
}  // namespace posttrain::cli

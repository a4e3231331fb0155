#include <gtest/gtest.h>

#include <set>

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

TEST(CommandLine, AListTakesEveryWordUpToTheNextOption) {
  const Outcome second = run({"parity", "--rl", "/no/such/first", "/no/such/second"});
  EXPECT_EQ(second.status, 2);
  EXPECT_NE(second.err.find("/no/such/first/model"), std::string::npos) << second.err;  // not the second, as a model
}

}  // namespace
}  // namespace posttrain::cli

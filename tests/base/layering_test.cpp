// Layers point one way: greps every #include "folder/..." and fails on one that looks to the right.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>

namespace {

const std::map<std::string, std::set<std::string>>& allowed() {
  static const std::map<std::string, std::set<std::string>> table = {
      {"base", {}},
      {"text", {"base"}},
      {"store", {"base"}},
      {"nn", {"base"}},
      {"model", {"base", "nn"}},
      {"rollout", {"base", "nn", "model", "text", "rewards"}},
      {"sandbox", {"base"}},
      {"rewards", {"base", "text", "sandbox"}},
      {"sft", {"base", "nn", "model", "rollout", "text", "store", "rewards"}},
      {"rl", {"base", "nn", "model", "rollout", "text", "store", "rewards"}},
      {"distill", {"base", "nn", "model", "rollout", "text", "store", "rewards"}},
      {"pipeline", {"base", "nn", "model", "rollout", "text", "store", "rewards", "sandbox", "sft", "rl", "distill"}},
      {"cli",
       {"base", "nn", "model", "rollout", "text", "store", "rewards", "sandbox", "sft", "rl", "distill", "pipeline"}},
  };
  return table;
}

TEST(Layering, EveryIncludePointsLeft) {
  const std::filesystem::path root = POSTTRAIN_SOURCE_DIR;
  const std::regex include("^\\s*#include \"([a-z]+)/");
  int files = 0;
  for (const auto& [folder, may] : allowed()) {
    if (!std::filesystem::exists(root / folder)) continue;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root / folder)) {
      const auto extension = entry.path().extension();
      if (extension != ".h" && extension != ".cpp") continue;
      ++files;
      std::ifstream in(entry.path());
      std::string line;
      for (int number = 1; std::getline(in, line); ++number) {
        std::smatch match;
        if (!std::regex_search(line, match, include)) continue;
        const std::string target = match[1];
        EXPECT_TRUE(target == folder || may.contains(target))
            << entry.path().string() << ":" << number << ": " << folder << " must not include " << target;
      }
    }
  }
  EXPECT_GT(files, 5);
}

}  // namespace

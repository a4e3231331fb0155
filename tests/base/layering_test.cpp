// Layers point one way: what a folder may include is what its CMakeLists.txt names in DEPS, and the order of folders
// there has no way back. nn/cpu is the backend's own: nobody above nn sees it.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace {

const std::filesystem::path kRoot = POSTTRAIN_SOURCE_DIR;

std::string text_of(const std::filesystem::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

// The program's folders in the order in which they are built, and what each links.
std::vector<std::pair<std::string, std::set<std::string>>> layers() {
  const std::string top = text_of(kRoot / "CMakeLists.txt");
  std::smatch list;
  EXPECT_TRUE(std::regex_search(top, list, std::regex("foreach\\(folder ([^)]*)\\)")));
  std::vector<std::pair<std::string, std::set<std::string>>> out;
  std::istringstream words(list[1].str());
  for (std::string folder; words >> folder;) {
    const std::string cmake = text_of(kRoot / folder / "CMakeLists.txt");
    std::smatch call;
    EXPECT_TRUE(std::regex_search(cmake, call, std::regex("posttrain_library\\(" + folder + "\\s[^)]*DEPS([^)]*)\\)")))
        << folder;
    std::istringstream names(call[1].str());
    out.push_back({folder, {std::istream_iterator<std::string>(names), {}}});
  }
  return out;
}

// What computes must not ask how much memory is free: its results would depend on it.
TEST(Layering, OnlyWhatTellsAboutTheMachineAsksForItsMemory) {
  const std::set<std::string> may = {"base/memory.h", "base/memory.cpp", "base/machine.cpp", "cli/doctor.cpp",
                                     "pipeline/recipe/memory_check.cpp"};
  const std::regex asks("(available|installed)_memory_bytes|/proc/meminfo|sysinfo\\(|_SC_AVPHYS_PAGES|_SC_PHYS_PAGES");
  int found = 0;
  for (const auto& [folder, ignored] : layers()) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(kRoot / folder)) {
      const auto extension = entry.path().extension();
      if ((extension != ".h" && extension != ".cpp") || !std::regex_search(text_of(entry.path()), asks)) continue;
      const auto name = std::filesystem::relative(entry.path(), kRoot).string();
      EXPECT_TRUE(may.contains(name)) << name;
      ++found;
    }
  }
  EXPECT_GE(found, 4);
}

TEST(Layering, EveryIncludePointsAtADependency) {
  const std::regex include("^\\s*#include \"([a-z]+)/([a-z]*/?)");
  std::set<std::string> left;  // folders built before this one
  int files = 0;
  for (const auto& [folder, may] : layers()) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(kRoot / folder)) {
      const auto extension = entry.path().extension();
      if (extension != ".h" && extension != ".cpp") continue;
      ++files;
      std::istringstream in(text_of(entry.path()));
      std::string line;
      for (int number = 1; std::getline(in, line); ++number) {
        std::smatch match;
        if (!std::regex_search(line, match, include)) continue;
        const std::string target = match[1];
        const std::string where = entry.path().string() + ":" + std::to_string(number) + ": " + folder;
        EXPECT_TRUE(target == folder || may.contains(target))
            << where << " includes " << target << ", not among its DEPS";
        EXPECT_TRUE(target == folder || left.contains(target)) << where << " includes " << target << " to its right";
        EXPECT_FALSE(folder != "nn" && target == "nn" && match[2] == "cpu/") << where << " sees into nn/cpu";
      }
    }
    left.insert(folder);
  }
  EXPECT_GT(files, 400);
}

TEST(Layering, NoFolderHoldsMoreThanItsShareOfTheLines) {
  constexpr double most = 0.15;
  std::map<std::string, int64_t> lines;
  int64_t all = 0;
  for (const auto& [folder, may] : layers()) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(kRoot / folder)) {
      const auto extension = entry.path().extension();
      if (extension != ".h" && extension != ".cpp") continue;
      const std::string text = text_of(entry.path());
      const auto n = std::count(text.begin(), text.end(), '\n');
      EXPECT_LE(n, 500) << entry.path().string();
      lines[folder] += n;
      all += n;
    }
  }
  for (const auto& [folder, n] : lines) EXPECT_LE(static_cast<double>(n), most * static_cast<double>(all)) << folder;
}

// A second way to parse or write would be one without the limit on depth.
TEST(Layering, JsonIsReadAndWrittenThroughBaseOnly) {
  const std::regex way("(Json|json)::(parse|sax_parse|accept)\\(|\\.dump\\(");
  for (const auto& [folder, may] : layers()) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(kRoot / folder)) {
      const auto name = entry.path().filename();
      if (entry.path().extension() != ".cpp" && entry.path().extension() != ".h") continue;
      // The one streams with a limit of its own, the other writes a text in ASCII.
      if (folder == "base" || name == "tokenizer_file.cpp" || name == "judge.cpp") continue;
      EXPECT_FALSE(std::regex_search(text_of(entry.path()), way)) << entry.path().string();
    }
  }
}

}  // namespace

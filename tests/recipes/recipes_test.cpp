// Every *.test in this folder's cases/ and wrong/ is a test of its own: Recipes/Case.Holds/<name>.
#include <gtest/gtest.h>

#include <algorithm>

#include "base/temporary_folder.h"
#include "tests/recipes/runner.h"

namespace posttrain::recipes {
namespace {

std::vector<std::filesystem::path> case_files() {
  std::vector<std::filesystem::path> out;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(std::filesystem::path(POSTTRAIN_SOURCE_DIR) / "tests/recipes")) {
    if (entry.path().extension() == ".test") out.push_back(entry.path());
  }
  std::ranges::sort(out);
  return out;
}

std::string name_of(const testing::TestParamInfo<std::filesystem::path>& tested) {
  std::string name = tested.param.parent_path().filename().string() + "_" + tested.param.stem().string();
  std::ranges::replace_if(
      name, [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return name;
}

class Case : public testing::TestWithParam<std::filesystem::path> {};

TEST_P(Case, Holds) {
  const TemporaryFolder folder;
  Runner runner(GetParam(), folder.path());
  runner.run(read_case(GetParam(), runner.names()));
}

INSTANTIATE_TEST_SUITE_P(Recipes, Case, testing::ValuesIn(case_files()), name_of);

}  // namespace
}  // namespace posttrain::recipes

// r1_story_report RUN... --docs FOLDER [--time TEXT]: the page and the pictures from finished runs of
// bench/r1_story.json.
#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "bench/story_page.h"
#include "report/report.h"

namespace {

// What stands in the page from this line on is of other runs, and is kept.
constexpr const char* others = "<!-- other runs -->\n";

std::string kept(const std::filesystem::path& page) {
  if (!std::filesystem::exists(page)) return "";
  const std::string text = posttrain::read_file(page);
  const size_t at = text.find(others);
  return at == std::string::npos ? "" : "\n" + text.substr(at);
}

int write_story(int argc, char** argv) {
  using namespace posttrain;
  std::vector<std::filesystem::path> folders;
  std::filesystem::path docs;
  std::string time;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--docs" && i + 1 < argc) {
      docs = argv[++i];
    } else if (argument == "--time" && i + 1 < argc) {
      time = argv[++i];
    } else {
      folders.emplace_back(argument);
    }
  }
  const bench::StoryRuns runs(folders);
  const std::string page = bench::story_page(runs, time);
  if (docs.empty()) {
    std::fputs(page.c_str(), stdout);
    return 0;
  }
  write_file_atomically(docs / "results.md", page + kept(docs / "results.md"));
  write_file_atomically(docs / "r1-story-zero.svg", report::picture_svg(bench::zero_charts(runs)));
  write_file_atomically(docs / "r1-story-objectives.svg", report::picture_svg(bench::objective_charts(runs)));
  write_file_atomically(docs / "r1-story-pitfalls.svg", report::picture_svg(bench::pitfall_charts(runs)));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return write_story(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}

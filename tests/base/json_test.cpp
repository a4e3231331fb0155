// JSON and JSON lines: what is read, and where a fault is said to be.
#include "base/json.h"

#include <gtest/gtest.h>

#include <fstream>

#include "base/lines.h"
#include "base/temporary_folder.h"
#include "tests/error_of.h"

namespace posttrain {
namespace {

TEST(Json, AFaultIsNamedByLineAndColumn) {
  const auto fault = [](const std::string& text) { return error_of([&] { parse_json(text, "a.json"); }); };
  EXPECT_EQ(
      fault("{\"a\":\n  ]}").find("a.json:2:3: not valid JSON: syntax error while parsing value - unexpected ']'"), 0u);
  EXPECT_EQ(fault("]").find("a.json:1:1: not valid JSON: syntax error"), 0u);
  EXPECT_EQ(fault("").find("a.json:1:1: not valid JSON: "), 0u);
  EXPECT_EQ(fault("{\"a\": 1").find("a.json:1:8: not valid JSON: "), 0u);
  EXPECT_EQ(fault("{} // a comment"), "");
}

TEST(Json, AFaultInALineIsNamedByTheLineAndItsColumn) {
  const TemporaryFolder folder;
  const auto file = folder.path() / "a.jsonl";
  std::ofstream(file) << "{\"a\": 1}\r\n\n \t\n{\"a\": 2}\n[3,]";
  std::vector<std::string> seen;
  const std::string error = error_of([&] {
    read_json_lines(file,
                    [&](Json&& value, const std::string& where) { seen.push_back(where + " " + to_line(value)); });
  });
  EXPECT_EQ(seen, (std::vector<std::string>{file.string() + ":1 {\"a\":1}", file.string() + ":4 {\"a\":2}"}));
  EXPECT_EQ(error.find(file.string() + ":5:4: not valid JSON: syntax error"), 0u) << error;
}

TEST(Lines, TheLastOneNeedsNoNewline) {
  const auto lines = [](std::string_view text) {
    std::string out;
    for_each_line(text, [&](std::string_view line, size_t number) {
      out += std::to_string(number) + "(" + std::string(line) + ")";
    });
    return out;
  };
  EXPECT_EQ(lines(""), "");
  EXPECT_EQ(lines("\n"), "1()");
  EXPECT_EQ(lines("a\n\nb"), "1(a)2()3(b)");
  EXPECT_EQ(lines("a\nb\n"), "1(a)2(b)");
}

}  // namespace
}  // namespace posttrain

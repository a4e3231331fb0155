// JSON and JSON lines: what is read, and where a fault is said to be.
#include "base/json.h"

#include <gtest/gtest.h>

#include <fstream>

#include "base/json_strict.h"
#include "base/lines.h"
#include "base/temporary_folder.h"
#include "tests/error_of.h"
#include "tests/small_stack.h"

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

// Whoever comes after the parser may recurse, so what is too deep never gets that far.
TEST(Json, DepthIsBoundedForReadersAndWriters) {
  on_small_stack([] {
    for (const size_t levels : {size_t{257}, size_t{1'000'000}}) {
      std::string objects;
      for (size_t i = 0; i < levels; ++i) objects += R"({"a":)";
      for (const std::string& text : {nested_lists(levels), std::string(levels, '['), objects + "1"}) {
        EXPECT_EQ(error_of([&] { parse_json(text, "a.json"); }), "a.json: nested deeper than 256 levels");
        EXPECT_EQ(error_of([&] { parse_json_line(text, "a:3"); }), "a:3: nested deeper than 256 levels");
        EXPECT_EQ(error_of([&] { parse_strict_json(text, "a"); }), "a: nested deeper than 256 levels");
        EXPECT_FALSE(try_parse_json(text));
      }
    }
    Json value = parse_json(nested_lists(256), "as deep as may be");
    EXPECT_EQ(to_line(value), nested_lists(256));
    EXPECT_EQ(to_line(Json{{"wrapped", value}}), R"({"wrapped":)" + nested_lists(256) + "}");
    for (int i = 0; i < 1'000'000; ++i) {
      Json outer = Json::array();
      outer.push_back(std::move(value));
      value = std::move(outer);
    }
    EXPECT_NE(error_of([&] { to_line(value); }), "");
    EXPECT_NE(error_of([&] { to_pretty(value); }), "");
  });
}

TEST(Json, StrictJsonNamesEachKeyOnceAndHasNoComments) {
  EXPECT_EQ(to_line(parse_strict_json(R"({"a": {"b": 1}, "b": [{"a": 2}, {"a": 3}]})", "x")),
            R"({"a":{"b":1},"b":[{"a":2},{"a":3}]})");
  EXPECT_NE(error_of([] { parse_strict_json(R"([{"a": 1, "b": {"a": 1}, "a": 2}])", "x"); }).find("'a' twice"),
            std::string::npos);
  EXPECT_NE(error_of([] { parse_strict_json("{} // no", "x"); }), "");
  EXPECT_FALSE(try_parse_json("{} // no"));
  EXPECT_FALSE(try_parse_json("{"));
  EXPECT_EQ(*try_parse_json("[1]"), Json::array({1}));
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

// What a case may expect of its last command and of its run.
#include <gtest/gtest.h>

#include <cmath>
#include <regex>
#include <set>
#include <sstream>
#include <stdexcept>

#include "base/file.h"
#include "base/json.h"
#include "store/sqlite.h"
#include "store/store.h"
#include "tests/e2e/program.h"
#include "tests/recipes/runner.h"

namespace posttrain::recipes {
namespace {

namespace fs = std::filesystem;

std::string sql_text(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("''") : std::string(1, c);
  return out + "'";
}

// "zero/3" -> {"zero", "3"}, "zero" -> {"zero", ""}
std::pair<std::string, std::string> stage_and_step(const std::string& word) {
  const auto slash = word.rfind('/');
  if (slash == std::string::npos) return {word, ""};
  return {word.substr(0, slash), word.substr(slash + 1)};
}

double number(const std::string& text) {
  size_t used = 0;
  const double value = std::stod(text, &used);
  if (used != text.size()) throw std::runtime_error("not a number: " + text);
  return value;
}

bool holds(double value, const std::string& sign, double wanted, double within) {
  if (sign == "=") return std::abs(value - wanted) <= within;
  if (sign == "!=") return std::abs(value - wanted) > within;
  if (sign == "<") return value < wanted;
  if (sign == "<=") return value <= wanted;
  if (sign == ">") return value > wanted;
  if (sign == ">=") return value >= wanted;
  throw std::runtime_error("unknown comparison \"" + sign + "\"");
}

// Relative names of a run's files whose bytes must not depend on when it was cut.
std::set<std::string> lasting_files(const fs::path& run) {
  std::set<std::string> out;
  for (const char* part : {"final", "checkpoints", "data", "export"}) {
    if (!fs::exists(run / part)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(run / part)) {
      if (entry.is_regular_file()) out.insert(fs::relative(entry.path(), run).string());
    }
  }
  return out;
}

// The first thing in which two runs differ, or "".
std::string run_difference(const fs::path& a, const fs::path& b) {
  const auto files = lasting_files(a), others = lasting_files(b);
  if (files.empty()) return a.string() + " has no results";
  for (const auto& file : files) {
    if (!others.contains(file)) return file + " is missing in the second";
    if (read_file(a / file) != read_file(b / file)) return file;
  }
  for (const auto& file : others) {
    if (!files.contains(file)) return file + " is missing in the first";
  }
  const auto lines = [](const fs::path& run) { return e2e::metrics_without_timings(run / "metrics.jsonl"); };
  if (lines(a) != lines(b)) return "metrics.jsonl";
  const auto content = [](const fs::path& run) {
    return store::Store(run / "run.db", store::Mode::read_only).content();
  };
  return content(a) == content(b) ? "" : "run.db";
}

}  // namespace

void Runner::expect(std::string words, const std::string& body) {
  std::string kind = take_word(words);
  const bool wanted = kind != "no";
  if (!wanted) kind = take_word(words);
  if (kind == "rc") return must_end(static_cast<int>(number(words)));
  if (kind == "error") return expect_text(last_.err, words, wanted);
  if (kind == "output") return expect_text(last_.out + last_.err, words, wanted);
  if (kind == "metric" || kind == "eval" || kind == "verdicts") return expect_figure(kind, words);
  if (kind == "sql") return expect_rows(words, body);
  if (kind == "file") return expect_file(words, wanted);
  if (kind == "same-bytes" || kind == "other-bytes") return expect_bytes(words, kind == "same-bytes");
  if (kind == "alert") {
    const std::string stage = take_word(words);
    std::string sql =
        "SELECT a.code, a.text FROM alerts a JOIN stages s ON s.idx = a.stage WHERE s.name = " + sql_text(stage);
    if (!words.empty()) sql += " AND a.code = " + sql_text(words);
    const auto rows = query(sql);
    EXPECT_EQ(!rows.empty(), wanted) << (rows.empty() ? "" : rows.front());
    return;
  }
  throw std::runtime_error("unknown expectation \"" + kind + "\"");
}

void Runner::expect_text(const std::string& text, const std::string& pattern, bool wanted) const {
  const bool regex = pattern.size() > 2 && pattern.front() == '/' && pattern.back() == '/';
  if (pattern.empty()) throw std::runtime_error("expected a text");
  const bool found = regex ? std::regex_search(text, std::regex(pattern.substr(1, pattern.size() - 2)))
                           : text.find(pattern) != std::string::npos;
  EXPECT_EQ(found, wanted) << "in\n" << text.substr(0, 3000);
}

void Runner::expect_number(const std::string& what, const std::vector<double>& values, std::string words) const {
  const std::string sign = take_word(words);
  if (sign == "absent") {
    EXPECT_TRUE(values.empty()) << what << " is " << values.front();
    return;
  }
  const double wanted = number(take_word(words));
  constexpr std::string_view mark = "±";
  const double within = words.starts_with(mark) ? number(words.substr(mark.size())) : 0;
  EXPECT_FALSE(values.empty()) << what << " is absent";
  for (const double value : values) EXPECT_TRUE(holds(value, sign, wanted, within)) << what << " is " << value;
}

void Runner::expect_figure(const std::string& kind, std::string words) const {
  const auto [stage, step] = stage_and_step(take_word(words));
  const std::string key = take_word(words);
  const std::string of_stage = " JOIN stages s ON s.idx = x.stage WHERE s.name = " + sql_text(stage);
  const std::string at = step.empty() || step == "*" ? "" : " AND x.step = " + step;
  std::vector<double> values;
  const auto text_of = [](const std::string& value) { return value == "NULL" ? std::nan("") : number(value); };
  if (kind == "metric") {
    for (const auto& row : query("SELECT x.value FROM metrics x" + of_stage + at + " AND x.key = " + sql_text(key))) {
      values.push_back(text_of(row));
    }
  } else if (kind == "verdicts") {
    values.push_back(
        number(query("SELECT count(*) FROM samples x" + of_stage + at + " AND x.verdict = " + sql_text(key)).at(0)));
  } else {
    const bool column = key == "n" || key == "k";
    for (const auto& row :
         query("SELECT " + (column ? "x." + key : std::string("x.metrics")) + " FROM evals x" + of_stage + at)) {
      if (column) {
        values.push_back(number(row));
        continue;
      }
      const Json metrics = parse_json(row, "evals.metrics");
      if (metrics.contains(key)) values.push_back(metrics[key].is_null() ? std::nan("") : metrics[key].get<double>());
    }
  }
  expect_number(stage + "/" + step + " " + key, values, words);
}

std::vector<std::string> Runner::query(const std::string& sql) const {
  store::Database db(folder_ / out_ / "run.db", store::Database::Open::read);
  store::Statement statement(db, sql.c_str());
  std::vector<std::string> out;
  for (statement.bind(); statement.next();) {
    std::string row;
    for (int i = 0; i < statement.columns(); ++i) {
      if (i > 0) row += "|";
      if (statement.is_text(i)) {
        row += statement.text(i);
      } else if (std::isnan(statement.real(i))) {
        row += "NULL";
      } else {
        std::ostringstream number;
        number.precision(17);
        number << statement.real(i);
        row += number.str();
      }
    }
    out.push_back(row);
  }
  return out;
}

void Runner::expect_rows(const std::string& sql, const std::string& rows) const {
  std::istringstream in(rows);
  std::vector<std::string> wanted;
  for (std::string line; std::getline(in, line);) {
    if (!line.empty()) wanted.push_back(line);
  }
  EXPECT_EQ(query(sql), wanted);
}

void Runner::expect_file(std::string words, bool wanted) const {
  const std::string name = take_word(words);
  if (take_word(words) == "contains") return expect_text(read_file(folder_ / name), words, wanted);
  EXPECT_EQ(fs::exists(folder_ / name), wanted) << name;
}

void Runner::expect_bytes(std::string words, bool same) const {
  const fs::path a = folder_ / take_word(words), b = folder_ / take_word(words);
  const std::string difference =
      !fs::is_directory(a) ? (read_file(a) == read_file(b) ? "" : "the bytes") : run_difference(a, b);
  EXPECT_EQ(difference.empty(), same) << (same ? "they differ in " + difference : "they are equal");
}

}  // namespace posttrain::recipes

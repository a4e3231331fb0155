#include "tasks/coder_task.h"

#include <array>
#include <numeric>
#include <vector>

#include "base/error.h"
#include "base/rng.h"

namespace posttrain::tasks {
namespace {

struct Operation {
  int kind;  // of kWords
  int operand;
};
constexpr std::array<const char*, 3> kWords = {"add", "minus", "times"};
constexpr std::array<char, 3> kOperators = {'+', '-', '*'};
using Operations = std::vector<Operation>;

std::string phrase(const Operations& steps) {
  std::string text;
  for (const Operation& step : steps) {
    text += (text.empty() ? "" : " ") + std::string(kWords[static_cast<size_t>(step.kind)]) + " " +
            std::to_string(step.operand);
  }
  return text;
}

std::string expression(const Operations& steps, bool brackets) {
  std::string text = "x";
  bool sum = false;
  for (const Operation& step : steps) {
    const bool times = step.kind == 2;
    if (times && sum && brackets) text = "(" + text + ")";
    text += kOperators[static_cast<size_t>(step.kind)] + std::to_string(step.operand);
    sum = !times;
  }
  return text;
}

int64_t value(const Operations& steps, int64_t x) {
  for (const Operation& step : steps) {
    x = step.kind == 0 ? x + step.operand : step.kind == 1 ? x - step.operand : x * step.operand;
  }
  return x;
}

text::Split split_by_words(const std::string& words) {
  return text::split_of(hash_name(words) >> 32);
}

Operations draw(const CoderSettings& settings, text::Split split, Rng& rng) {
  for (;;) {
    Operations steps(static_cast<size_t>(rng.integer(settings.min_steps, settings.max_steps)));
    for (Operation& step : steps) step = {static_cast<int>(rng.integer(0, 2)), static_cast<int>(rng.integer(1, 9))};
    if (expression(steps, true) == expression(steps, false)) continue;  // every problem needs its brackets
    if (split_by_words(phrase(steps)) == split) return steps;
  }
}

Operations with_slip(Operations steps, Rng& rng) {
  Operation& step = steps[static_cast<size_t>(rng.integer(0, static_cast<int64_t>(steps.size()) - 1))];
  if (rng.chance(0.5)) {
    step.operand = static_cast<int>(rng.integer(1, 9));
  } else {
    step.kind = static_cast<int>(rng.integer(0, 2));
  }
  return steps;
}

}  // namespace

void CoderSettings::visit(Visitor& v) {
  v("min_steps", min_steps, {.doc = "Fewest operations in a problem", .min = 1, .max = 8});
  v("max_steps", max_steps, {.doc = "Most operations in a problem", .min = 1, .max = 8});
  v("right", right, {.doc = "Share of right programs in the corpus", .min = 0});
  v("no_brackets", no_brackets, {.doc = "Share of programs that forget every bracket", .min = 0});
  v("slip", slip, {.doc = "Share of programs with one wrong digit or operation", .min = 0});
  v("broken", broken, {.doc = "Share of programs that are cut or lack a tag", .min = 0});
}

void CoderSettings::check(const Complain& complain) const {
  if (min_steps > max_steps) complain("max_steps", "expected at least min_steps");
  if (max_steps < 2) complain("max_steps", "expected at least 2: brackets need two operations");
  if (right + no_brackets + slip + broken <= 0) complain("right", "expected at least one share above 0");
}

text::Problem CoderTask::problem(text::Split split, uint64_t seed, uint64_t index) const {
  Rng rng({seed, hash_name(std::string("coder/") + text::split_name(split)), index});
  const Operations steps = draw(settings_, split, rng);
  Json inputs = Json::array(), outputs = Json::array();
  for (const int64_t x : {int64_t{-7}, int64_t{0}, int64_t{2}, rng.integer(10, 99)}) {
    inputs.push_back(x);
    outputs.push_back(value(steps, x));
  }
  // One call for all numbers: the expression stands between head and tail.
  Json test = {{"args", Json::array({inputs})}, {"expect", outputs}};
  Json row = {{"entry", "f"},
              {"language", "python"},
              {"head", "def f(numbers):\n    return ["},
              {"tail", " for x in numbers]\n"},
              {"tests", Json::array({std::move(test)})}};
  return {
      .id = phrase(steps), .prompt = phrase(steps) + ":", .answer = expression(steps, true), .extra = std::move(row)};
}

text::Document CoderTask::document(text::Source source, uint64_t seed, uint64_t index) const {
  if (source != text::Source::corpus) throw Error("task", "source", "corpus", "another");
  Rng rng({seed, hash_name("coder/document"), index});
  const Operations steps = draw(settings_, text::Split::train, rng);
  const std::string prompt = phrase(steps) + ":";
  const std::array<double, 4> shares = {settings_.right, settings_.no_brackets, settings_.slip, settings_.broken};
  double at = rng.uniform() * std::accumulate(shares.begin(), shares.end(), 0.0);
  size_t kind = 0;
  while (kind + 1 < shares.size() && at >= shares[kind]) at -= shares[kind++];
  std::string program = expression(kind == 2 ? with_slip(steps, rng) : steps, kind != 1);
  if (kind == 3 && rng.chance(0.5))
    program.resize(static_cast<size_t>(rng.integer(1, static_cast<int64_t>(program.size()))));
  const std::string response = kind == 3 && rng.chance(0.5) ? program : "<answer>" + program + "</answer>";
  return {.text = prompt + response + "<eos>", .prompt_bytes = prompt.size()};
}

}  // namespace posttrain::tasks

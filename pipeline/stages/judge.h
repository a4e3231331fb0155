// A model as a judge: it is asked in words which of two answers is better, or for a grade, and its replies are counted.
// DeepSeek-V3's self-rewarding; both orders are asked, since judges favour a place (Zheng et al. 2023, arXiv
// 2306.05685).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/params.h"
#include "model/transformer.h"
#include "rollout/collect.h"
#include "rollout/engine.h"
#include "text/renderer.h"

namespace posttrain::pipeline {

struct JudgeSettings {
  std::string mode = "pairs";  // pairs | grade
  std::string prompt;          // with {prompt}, {a} and {b}, or {answer}; "" = the built-in one of the mode
  std::string first = "A", second = "B";
  int64_t votes = 1;
  double best_grade = 10;
  rollout::SamplingSettings sampling{.max_new_tokens = 16};
  rollout::EngineSettings engine;

  void visit(Visitor& v);
};

// Which label a reply names first, as a word of its own: 0, 1, or nothing.
std::optional<int> named_choice(std::string_view reply, std::string_view first, std::string_view second);
// The first number of a reply, when it lies within [0, best].
std::optional<double> named_grade(std::string_view reply, double best);

struct Answers {
  std::string prompt, a, b;  // b: pairs only
};

// Votes for a: of the replies that named a label, by order. NaN where none did.
struct Preference {
  double asked_first, asked_second;  // a stood first, a stood second

  // Mean of the two orders; above 0.5 a is preferred. NaN when an order had no valid reply.
  double share() const { return (asked_first + asked_second) / 2; }
  bool decided() const { return share() != 0.5 && share() == share(); }
};

// Not thread-safe. Model and renderer must outlive it. It has no state: replies are a function of the key that a
// question comes with and of its place among the others, so a resumed run hears the same.
class GenerativeJudge {
 public:
  GenerativeJudge(model::Transformer& model, const Renderer& renderer, const JudgeSettings& settings);

  std::vector<Preference> prefer(std::span<const Answers> pairs, const rollout::DrawKey& key);
  // Mean grade of `a` divided by the best one; NaN without a valid reply.
  std::vector<double> grade(std::span<const Answers> answers, const rollout::DrawKey& key);

 private:
  std::vector<int32_t> question(const Answers& answers) const;
  // The texts of `votes` replies to each question.
  std::vector<std::vector<std::string>> ask(const std::vector<Answers>& questions, const rollout::DrawKey& key);

  const Renderer& renderer_;
  const Tokenizer& tokenizer_;
  JudgeSettings settings_;
  rollout::Engine engine_;
};

}  // namespace posttrain::pipeline

#include "pipeline/preflight/inspection.h"

#include <algorithm>

#include "base/error.h"
#include "pipeline/session.h"

namespace posttrain::pipeline {
namespace {

constexpr double high_lr = 0.1;  // ten times what the largest shipped recipe takes, for Adam

const char* name_of(text::Split split) {
  return split == text::Split::train ? "train" : "test";
}

}  // namespace

void Inspection::enter(const StageSpec& stage, size_t index) {
  stage_ = &stage;
  prefix_ = "stages[" + std::to_string(index) + "]";
  positions_ = arch_of(recipe().origin(stage), survey_.inputs().tokenizer->vocab_size()).max_positions;
}

void Inspection::add(Severity severity, const std::string& field, const std::string& message) {
  const std::string path = field.empty() ? prefix_ : prefix_ + "." + field;
  const bool told = std::ranges::any_of(
      findings_, [&](const Finding& f) { return f.problem.path == path && f.problem.message == message; });
  if (!told) findings_.push_back({severity, {.where = {}, .path = path, .message = message}});
}

void Inspection::error(const std::string& field, const std::string& message) {
  add(Severity::error, field, message);
}

void Inspection::warning(const std::string& field, const std::string& message) {
  add(Severity::warning, field, message);
}

const PromptSurvey* Inspection::prompts(text::Split split) {
  try {
    const PromptSurvey& found = survey_.prompts(split);
    return found.tokens.empty() ? nullptr : &found;
  } catch (const Error& problem) {
    error("", std::string("can't ask the task's ") + name_of(split) + " problems: " + problem.what());
    return nullptr;
  }
}

void Inspection::learns(const std::string& field, const std::vector<DataPart>& data, int64_t row_tokens) {
  int64_t documents = 0, cut = 0, beyond = 0, looked_at = 0;
  for (size_t i = 0; i < data.size(); ++i) {
    if (data[i].source == "stage") continue;  // not written yet
    try {
      const TextSurvey& texts = survey_.texts(data[i], documents);
      documents += texts.documents;
      looked_at += std::ssize(texts.lengths);
      for (const int64_t length : texts.lengths) {
        cut += row_tokens > 0 && length > row_tokens;
        beyond += (row_tokens > 0 ? std::min(length, row_tokens) : length) > positions_;
      }
      learnt_ += texts.sample;
      if (data[i].source != "file" && survey_.inputs().task->size(text::Split::train) > 0) prompts(text::Split::train);
    } catch (const Error& problem) {
      error(field + "[" + std::to_string(i) + "]", problem.what());
    }
  }
  const std::string of_all = " of " + std::to_string(looked_at) + " examples ";
  if (beyond > 0) {
    warning(field, std::to_string(beyond) + of_all + "are longer than the model's " + std::to_string(positions_) +
                       " positions");
  } else if (row_tokens > positions_) {
    warning("row_tokens", "expected at most the model's " + std::to_string(positions_) + " positions, got " +
                              std::to_string(row_tokens));
  }
  if (2 * cut > looked_at) {
    warning("row_tokens", std::to_string(cut) + of_all + "are longer than a row of " + std::to_string(row_tokens) +
                              " tokens: left out, or cut where `overlong` says so");
  }
}

void Inspection::training(const model::TrainingSettings& training, int64_t steps) {
  if (training.lr == 0) error("training.lr", "expected above 0: nothing is learnt");
  if (training.lr > high_lr) warning("training.lr", "expected at most 0.1 or so, got " + std::to_string(training.lr));
  if (steps > 0 && training.warmup_steps >= steps) {
    warning("training.warmup_steps", "expected fewer than the stage's " + std::to_string(steps) + " steps, got " +
                                         std::to_string(training.warmup_steps) + ": the full rate is never reached");
  }
}

void Inspection::sampling(const std::string& field, const rollout::SamplingSettings& sampling, text::Split split) {
  const Tokenizer& tokenizer = *survey_.inputs().tokenizer;
  for (size_t i = 0; i < sampling.stop.size(); ++i) {
    const std::string& stop = sampling.stop[i];
    const std::string at = field + ".stop[" + std::to_string(i) + "]";
    if (tokenizer.decode(tokenizer.encode(stop)) != stop) {
      error(at, "expected a text that the vocabulary can write, got \"" + stop + "\"");
    } else if (recipe().origin(*stage_).path.empty() && !learnt_.empty() && learnt_.find(stop) == std::string::npos) {
      warning(at, "\"" + stop + "\" stands in none of the texts that the model learns from: it will not stop there");
    }
  }
  const PromptSurvey* asked = prompts(split);
  if (asked == nullptr) return;
  asked_.insert(split);
  const int64_t room = positions_ - sampling.max_new_tokens;
  const auto too_long = std::ranges::count_if(asked->tokens, [&](int64_t n) { return n > room; });
  if (too_long == 0) return;
  const std::string message =
      "expected prompt and answer within the model's " + std::to_string(positions_) + " positions, got " +
      std::to_string(asked->longest) + " + " + std::to_string(sampling.max_new_tokens) + " (" + asked->longest_row +
      "; " + std::to_string(too_long) + " of " + std::to_string(asked->tokens.size()) + " prompts are too long)";
  // Those are left out, or cut, and counted (pipeline/asked_problems.h).
  if (too_long < std::ssize(asked->tokens)) return warning(field + ".max_new_tokens", message);
  error(field + ".max_new_tokens", message);
}

void Inspection::problems(const std::string& field, int64_t wanted, text::Split split) {
  const PromptSurvey* asked = prompts(split);
  if (asked == nullptr || asked->size == 0 || wanted <= asked->size) return;
  const std::string rows = std::to_string(asked->size) + " " + name_of(split) + " problems";
  warning(field, split == text::Split::train
                     ? "expected at most the " + rows + ", got " + std::to_string(wanted) + ": some are asked again"
                     : "expected at most the " + rows + ", got " + std::to_string(wanted) + ": n is " +
                           std::to_string(asked->size));
}

void Inspection::judged() {
  const auto& rewards = recipe().rewards;
  const bool weighs = std::ranges::any_of(rewards, [](const auto& r) { return r.weight != 0; });
  if (rewards.empty()) {
    error("", "expected rewards that judge answers, got none in the recipe's rewards");
  } else if (!weighs) {
    error("", "expected a reward of weight other than 0: every answer has reward 0");
  }
}

void Inspection::evaluation(const std::string& field, const EvalSettings& eval, text::Split split) {
  const std::string dot = field.empty() ? "" : field + ".";
  if (split == text::Split::test) problems(dot + "problems", eval.problems, split);
  sampling(dot + "sampling", eval.sampling, split);
  if (recipe().rewards.empty()) error(field, "expected rewards that say which answers are right, got none");
}

void Inspection::evaluation(const InLoopEval& loop) {
  if (loop.every_steps == 0) {
    if (loop.keep == "best") error("eval.keep", "expected every_steps above 0: without evaluations none is the best");
    return;
  }
  evaluation("eval", loop.eval, text::Split::valid);
}

}  // namespace posttrain::pipeline

#include "pipeline/preflight/reward_checks.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "base/error.h"
#include "pipeline/recipe/judge_check.h"

namespace posttrain::pipeline {
namespace {

constexpr size_t tried_rows = 16;

// One way to write an answer, and the mark by which it is told from other text; "" = any text.
struct Form {
  std::string text, mark;
};

std::vector<Form> forms_of(const rewards::RewardSpec& spec, const std::string& gold) {
  const Json settings = print_params(*spec.reward.slot());
  const std::string tag = settings.value("tag", settings.value("answer", "answer"));
  const std::string think = settings.value("think", "think");
  const std::string tagged = "<" + tag + ">" + gold + "</" + tag + ">";
  return {{gold, ""},
          {tagged, "<" + tag + ">"},
          {"<" + think + ">so</" + think + ">" + tagged, "<" + think + ">"},
          {"\\boxed{" + gold + "}", "\\boxed"},
          {"Answer: " + gold, "Answer"},
          {"The answer is: " + gold, "answer is"},
          {"#### " + gold, "####"}};
}

// One reward of the recipe with what it may be tried on.
class Trial {
 public:
  Trial(const rewards::RewardSpec& spec, const std::string& path, const std::string& shown, const Tokenizer& tokenizer,
        std::vector<Finding>& findings)
      : spec_(spec), path_(path), shown_(shown), tokenizer_(tokenizer), findings_(findings), set_({spec}) {}

  // A gold answer must be right in some form that the model can write and has been shown.
  void gold(const std::vector<text::Problem>& problems) {
    size_t tried = 0, lost = 0;
    const text::Problem* first = nullptr;
    for (const text::Problem& problem : problems) {
      if (problem.answer.empty() || tried == tried_rows) continue;
      ++tried;
      bool right = false;
      for (const Form& form : forms_of(spec_, problem.answer)) right = accept(form, problem) || right;
      if (right) continue;
      if (lost++ == 0) first = &problem;
    }
    if (lost > 0) {
      warn(std::to_string(lost) + " of " + std::to_string(tried) +
           " gold answers are not right in any usual form, first " + first->id + " \"" + first->answer + "\"");
    }
    if (tried == lost) return;
    if (!written_) {
      findings_.push_back({Severity::error,
                           {.where = {},
                            .path = path_,
                            .message = "expected a form of answer that the vocabulary can write, got " + mark_}});
    } else if (!shown_mark_) {
      warn("an answer must hold " + mark_ + ", which stands neither in the prompts nor in texts that are learnt from");
    }
  }

  void empty_is_wrong(const text::Problem& problem) {
    if (judge("", problem).verdict == Verdict::right) warn("an empty answer is right");
  }

  // A pattern that is found in everything or in nothing teaches nothing.
  void pattern(const text::Problem& problem) {
    int found = 0, tried = 0;
    auto texts = forms_of(spec_, problem.answer);
    for (const char* other : {"?", "no such thing"}) texts.push_back({other, ""});
    for (const Form& form : texts) {
      ++tried;
      found += judge(form.text, problem).total != 0;
    }
    if (found == tried) warn("is found in every text that was tried: it teaches nothing");
    if (found == 0 && judge(shown_, problem).total == 0)
      warn("is found in no text that was tried: not in answers, prompts or texts that are learnt from");
  }

  void format(const text::Problem& problem) {
    for (const Form& form : forms_of(spec_, problem.answer.empty() ? "7" : problem.answer)) {
      if (judge(form.text, problem).total != 0) note(form);
    }
    if (!mark_.empty() && !shown_mark_)
      warn("an answer must hold " + mark_ + ", which stands neither in the prompts nor in texts that are learnt from");
  }

 private:
  rewards::Outcome judge(const std::string& text, const text::Problem& problem) const {
    rewards::Outcome outcome = set_.judge({.prompt = problem.prompt,
                                           .completion = text,
                                           .answer = problem.answer,
                                           .extra = problem.extra.is_null() ? nullptr : &problem.extra,
                                           .completion_tokens = 8,
                                           .max_completion_tokens = 16});
    if (!outcome.parts.empty()) outcome.total = outcome.parts[0].value;
    return outcome;
  }

  bool accept(const Form& form, const text::Problem& problem) {
    if (judge(form.text, problem).verdict != Verdict::right) return false;
    note(form);
    return true;
  }

  void note(const Form& form) {
    mark_ = mark_.empty() ? form.mark : mark_;
    written_ = written_ || tokenizer_.decode(tokenizer_.encode(form.text)) == form.text;
    shown_mark_ = shown_mark_ || form.mark.empty() || shown_.find(form.mark) != std::string::npos;
  }

  void warn(const std::string& message) {
    findings_.push_back({Severity::warning, {.where = {}, .path = path_, .message = message}});
  }

  const rewards::RewardSpec& spec_;
  const std::string path_;
  const std::string& shown_;
  const Tokenizer& tokenizer_;
  std::vector<Finding>& findings_;
  const rewards::RewardSet set_;
  std::string mark_;
  bool written_ = false, shown_mark_ = false;
};

bool compares(const rewards::RewardSpec& spec) {
  const auto* entry = rewards::find_reward(spec.reward.type());
  return entry != nullptr && entry->role == rewards::Role::reads_answer && spec.reward.type() != "json_schema";
}

}  // namespace

bool reads_gold(const Recipe& recipe) {
  return std::ranges::any_of(recipe.rewards, compares);
}

double largest_reward(const Recipe& recipe) {
  double sum = 0;
  for (const rewards::RewardSpec& spec : recipe.rewards) {
    const std::string& type = spec.reward.type();
    if (type == "plugin" || type == "plugin_shape" || type == "cosine") return std::numeric_limits<double>::infinity();
    sum += std::max(0.0, spec.weight);  // all others give at most 1
  }
  return sum;
}

void check_rewards(Survey& survey, const std::string& learnt, std::vector<Finding>& findings) {
  const PromptSurvey* rows = survey.looked_at(text::Split::train);
  if (rows == nullptr) rows = survey.looked_at(text::Split::test);
  if (rows == nullptr) return;
  std::string shown = learnt;
  for (const std::string& text : rows->texts) shown += text + "\n";
  for (Problem& found : probe_judges(survey.recipe(), rows->problems[0]))
    findings.push_back({Severity::error, std::move(found)});
  const auto& rewards = survey.recipe().rewards;
  for (size_t i = 0; i < rewards.size(); ++i) {
    const std::string path = "rewards[" + std::to_string(i) + "]", &type = rewards[i].reward.type();
    const bool shape = type == "format" || type == "tag_count", pattern = type == "pattern";
    if (!compares(rewards[i]) && !shape && !pattern) continue;
    try {
      Trial trial(rewards[i], path, shown, *survey.inputs().tokenizer, findings);
      if (compares(rewards[i])) {
        trial.gold(rows->problems);
        trial.empty_is_wrong(rows->problems[0]);
      }
      if (pattern) trial.pattern(rows->problems[0]);
      if (shape) trial.format(rows->problems[0]);
    } catch (const Error& problem) {
      findings.push_back({Severity::error, {.where = {}, .path = path, .message = problem.what()}});
    }
  }
}

}  // namespace posttrain::pipeline

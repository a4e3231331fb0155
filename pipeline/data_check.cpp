#include "pipeline/data_check.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/error.h"
#include "pipeline/stage_table.h"

namespace posttrain::pipeline {
namespace {

// What is asked, so that equal problems are one.
std::string asked_text(const text::Problem& problem) {
  return problem.messages.is_null() ? problem.prompt : to_line(problem.messages);
}

// Problems of a file for evaluations that the training file has too.
std::string overlap_note(const text::Task& task, text::Split split) {
  std::set<std::string> learnt;
  for (int64_t i = 0; i < task.size(text::Split::train); ++i)
    learnt.insert(asked_text(task.row(text::Split::train, static_cast<size_t>(i))));
  int64_t both = 0;
  const int64_t all = task.size(split);
  std::string first;
  for (int64_t i = 0; i < all; ++i) {
    const text::Problem problem = task.row(split, static_cast<size_t>(i));
    if (!learnt.contains(asked_text(problem))) continue;
    if (both++ == 0) first = problem.where;
  }
  if (both == 0) return "";
  return "warning: " + std::to_string(both) + " of " + std::to_string(all) + " problems of the split " +
         text::split_name(split) + " are in the training file too, the first at " + first;
}

}  // namespace

std::vector<PromptUse> prompts_of(const StageSpec& stage) {
  const auto prompts = stage_type(stage.type()).prompts;
  return prompts == nullptr ? std::vector<PromptUse>{} : prompts(stage.settings);
}

bool asks_valid(const Recipe& recipe) {
  return std::ranges::any_of(recipe.stages, [](const StageSpec& stage) {
    return std::ranges::any_of(prompts_of(stage), [](const PromptUse& use) { return use.split == text::Split::valid; });
  });
}

tasks::HoldOut hold_out_of(const Recipe& recipe) {
  return asks_valid(recipe) ? tasks::HoldOut::valid : tasks::HoldOut::nothing;
}

void check_gold(const text::Task& task, text::Split split, const rewards::RewardSet& rewards) {
  for (int64_t i = 0; i < task.size(split); ++i) {
    const text::Problem problem = task.row(split, static_cast<size_t>(i));
    const rewards::Sample sample{.prompt = problem.prompt,
                                 .completion = "",
                                 .answer = problem.answer,
                                 .extra = problem.extra.is_null() ? nullptr : &problem.extra};
    const auto lack = rewards.missing(sample);
    if (!lack) continue;
    throw Error(problem.where, lack->what, "it, for the reward " + lack->reward, "none");
  }
}

std::vector<std::string> check_data(const Recipe& recipe, const text::Task& task, const Renderer& renderer,
                                    const rewards::RewardSet& rewards,
                                    const std::function<int64_t(const StageSpec&)>& max_positions) {
  std::vector<std::string> notes;
  std::map<text::Split, std::vector<int64_t>> lengths;
  bool learns = false;
  for (const StageSpec& stage : recipe.stages) {
    for (const PromptUse& use : prompts_of(stage)) {
      const auto [found, fresh] = lengths.try_emplace(use.split);
      if (fresh) {
        if (use.judged) check_gold(task, use.split, rewards);
        found->second = prompt_lengths(task, renderer, use.split);
      }
      learns = learns || use.split == text::Split::train;
      const AskedProblems problems(task, renderer, use, max_positions(stage), found->second, "stages." + stage.name);
      const std::string note = problems.lengths().note();
      if (!note.empty()) notes.push_back(stage.name + ": " + note);
    }
  }
  for (const text::Split split : {text::Split::valid, text::Split::test}) {
    if (!learns || !lengths.contains(split) || lengths[split].empty()) continue;
    const std::string note = overlap_note(task, split);
    if (!note.empty()) notes.push_back(note);
  }
  return notes;
}

}  // namespace posttrain::pipeline

#include "pipeline/preflight/preflight.h"

#include <algorithm>
#include <optional>

#include "base/error.h"
#include "base/temporary_folder.h"
#include "pipeline/preflight/inspection.h"
#include "pipeline/preflight/reward_checks.h"
#include "pipeline/recipe/memory_check.h"
#include "pipeline/recipe/planner.h"

namespace posttrain::pipeline {
namespace {

constexpr int64_t all_rows = 200'000, quick_rows = 256;

void add(std::vector<Finding>& findings, Severity severity, const std::string& path, const std::string& message) {
  findings.push_back({severity, {.where = {}, .path = path, .message = message}});
}

std::string rows_text(const RowCount& rows, const std::string& what) {
  return std::to_string(rows.count) + (rows.count == 1 ? " row " : " rows ") + what + ", first " + rows.first;
}

// What is odd about the rows of a file that stages ask for.
void check_rows(const Survey& survey, const Inspection& inspection, std::vector<Finding>& findings) {
  const bool needs_gold = reads_gold(survey.recipe());
  const PromptSurvey* seen[2] = {};
  for (const text::Split split : {text::Split::train, text::Split::test}) {
    const bool test = split == text::Split::test;
    const PromptSurvey* rows = survey.looked_at(split);
    if (rows == nullptr || rows->size == 0) continue;
    seen[test] = rows;
    const std::string path = test ? "task.test" : "task.train";
    if (rows->empty.count > 0) add(findings, Severity::error, path, rows_text(rows->empty, "without a prompt"));
    if (needs_gold && inspection.asks(split) && rows->no_gold.count > 0)
      add(findings, Severity::error, path, rows_text(rows->no_gold, "without the gold answer that a reward reads"));
    if (rows->repeated.count > 0)
      add(findings, Severity::warning, path, rows_text(rows->repeated, "with a prompt that stood before"));
  }
  if (seen[0] == nullptr || seen[1] == nullptr) return;
  RowCount both;
  for (const auto& [hash, row] : seen[1]->rows_by_hash) {
    if (seen[0]->rows_by_hash.contains(hash) && both.count++ == 0) both.first = row;
  }
  if (both.count > 0) add(findings, Severity::warning, "task.test", rows_text(both, "whose prompt is trained on too"));
}

// Stages that need more memory than this machine has.
void check_fit(const Recipe& recipe, std::vector<Finding>& findings) {
  const Planner planner(recipe);
  for (const StageSpec& stage : recipe.stages) {
    const auto verdict = memory_verdict(recipe, stage, planner);
    if (verdict && !verdict->starts)
      add(findings, Severity::error, "stages." + stage.name + "." + verdict->knob, refusal_text(*verdict));
  }
}

// "stages[2].steps" as --set takes it: "stages.zero.steps".
void name_stages(std::vector<Finding>& findings, const Recipe& recipe) {
  for (Finding& finding : findings) {
    std::string& path = finding.problem.path;
    for (size_t i = 0; i < recipe.stages.size(); ++i) {
      const std::string index = "stages[" + std::to_string(i) + "]";
      if (path.starts_with(index)) path = "stages." + recipe.stages[i].name + path.substr(index.size());
    }
  }
}

}  // namespace

std::vector<Finding> preflight(const Recipe& recipe, const PreflightOptions& options) {
  std::vector<Finding> findings;
  const auto placed = [&] {
    if (options.source != nullptr) place_findings(findings, *options.source);
    name_stages(findings, recipe);
    return std::move(findings);
  };
  try {
    check_inputs(recipe);
  } catch (const Problems& missing) {
    for (const Problem& problem : missing.list) findings.push_back({Severity::error, problem});
    return placed();
  }
  const TemporaryFolder scratch;
  std::optional<RunInputs> inputs;
  try {
    inputs = open_inputs(recipe, scratch.path());
  } catch (const Error& problem) {
    add(findings, Severity::error, "task", problem.what());
    return placed();
  }
  Survey survey(recipe, *inputs, options.quick ? quick_rows : all_rows, options.watch);
  Inspection inspection(survey, findings);
  for (size_t i = 0; i < recipe.stages.size(); ++i) {
    const StageSpec& stage = recipe.stages[i];
    try {
      inspection.enter(stage, i);
      stage_type(stage.type()).inspect(stage.settings, inspection);
    } catch (const Error& problem) {
      inspection.error("", problem.what());
    }
  }
  check_rows(survey, inspection, findings);
  check_rewards(survey, inspection.learnt(), findings);
  const bool broken =
      std::ranges::any_of(findings, [](const Finding& finding) { return finding.severity == Severity::error; });
  if (options.memory && !broken) check_fit(recipe, findings);
  return placed();
}

std::vector<std::string> sample_prompts(const Recipe& recipe, int64_t count) {
  const TemporaryFolder scratch;
  const RunInputs inputs = open_inputs(recipe, scratch.path());
  Survey survey(recipe, inputs, count);
  try {
    return survey.prompts(text::Split::train).texts;
  } catch (const Error&) {
    return survey.prompts(text::Split::test).texts;  // a recipe that only evaluates
  }
}

}  // namespace posttrain::pipeline

#include "pipeline/recipe/planner.h"

#include <algorithm>
#include <cmath>

#include "tasks/task_table.h"

namespace posttrain::pipeline {

double answer_tokens(const rollout::SamplingSettings& sampling) {
  return static_cast<double>(sampling.max_new_tokens) / 2;
}

double eval_tokens(const EvalSettings& eval) {
  return static_cast<double>(eval.problems * eval.samples) * answer_tokens(eval.sampling);
}

double eval_tokens(const InLoopEval& loop, int64_t steps) {
  if (loop.every_steps == 0) return 0;
  return eval_tokens(loop.eval) * std::ceil(static_cast<double>(steps) / static_cast<double>(loop.every_steps) + 1);
}

Planner::Planner(const Recipe& recipe)
    : recipe_(recipe),
      task_(tasks::make_task(recipe.task.settings)),
      bytes_per_token_(tasks::task_vocabulary(recipe.task.settings) ? 1 : 4) {}

double Planner::document_tokens(const std::string& source) const {
  constexpr int64_t looked_at = 64;
  const auto kind = source == "traces"    ? text::Source::traces
                    : source == "general" ? text::Source::general
                                          : text::Source::corpus;
  double bytes = 0;
  for (uint64_t i = 0; i < looked_at; ++i) {
    bytes += static_cast<double>(task_->document(kind, static_cast<uint64_t>(recipe_.seed), i).text.size());
  }
  return bytes / looked_at / bytes_per_token_;
}

std::pair<double, double> Planner::size_of(const std::vector<DataPart>& data) const {
  double documents = 0, tokens = 0;
  for (const DataPart& part : data) {
    if (part.source == "file") continue;
    double count = part.documents > 0 ? static_cast<double>(part.documents) : part.share * documents;
    double each = 0;
    if (part.source == "stage") {
      const KeptData from = kept(part.stage);
      count = part.documents > 0 ? std::min(count, from.answers) : from.answers;
      each = from.tokens;
    } else {
      each = document_tokens(part.source);
    }
    documents += count;
    tokens += count * each;
  }
  return {documents, tokens};
}

KeptData Planner::kept(const std::string& stage) const {
  const auto found = kept_.find(stage);
  return found == kept_.end() ? KeptData{} : found->second;
}

}  // namespace posttrain::pipeline

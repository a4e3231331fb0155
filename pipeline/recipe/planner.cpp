#include "pipeline/recipe/planner.h"

#include <algorithm>
#include <numeric>

#include "base/file.h"
#include "sft/pack.h"

namespace posttrain::pipeline {
namespace {

// Tokens of one side of a pair: ids, or a text.
double side_tokens(const Json& line, const std::string& side, const Tokenizer& tokenizer) {
  if (line.contains(side + "_ids")) return static_cast<double>(line[side + "_ids"].size());
  const auto found = line.find(side);
  return found != line.end() && found->is_string()
             ? static_cast<double>(tokenizer.encode(found->get<std::string>()).size())
             : 0;
}

}  // namespace

Range& Range::operator+=(const Range& other) {
  low += other.low;
  expected += other.expected;
  high += other.high;
  return *this;
}

Range answer_tokens(const rollout::SamplingSettings& sampling) {
  const auto limit = static_cast<double>(sampling.max_new_tokens);
  return {1, limit / 2, limit};
}

Planner::Planner(const Recipe& recipe, int64_t counted_rows)
    : recipe_(recipe), inputs_(open_inputs(recipe, scratch_.path())), survey_(recipe, inputs_, counted_rows) {}

PackedData Planner::packed(const std::vector<DataPart>& data, int64_t row_tokens, bool cut) const {
  PackedData out;
  std::vector<int64_t> lengths;
  double counted = 0;
  for (const DataPart& part : data) {
    if (part.source == "stage") {
      const KeptData from = kept(part.stage);
      const double count =
          part.documents > 0 ? std::min(static_cast<double>(part.documents), from.answers) : from.answers;
      lengths.insert(lengths.end(), static_cast<size_t>(count), static_cast<int64_t>(from.tokens));
      out.documents += count;
      counted += count;
      out.exact = false;
      continue;
    }
    const TextSurvey& texts = survey_.texts(part, static_cast<int64_t>(out.documents));
    lengths.insert(lengths.end(), texts.lengths.begin(), texts.lengths.end());
    out.documents += static_cast<double>(texts.documents);
    counted += static_cast<double>(texts.lengths.size());
    out.exact = out.exact && texts.whole();
  }
  const double scale = counted > 0 ? out.documents / counted : 0;  // above 1 where only the first were looked at
  if (!cut) std::erase_if(lengths, [&](int64_t length) { return length > row_tokens; });  // left out
  out.rows = scale * static_cast<double>(sft::packed_rows(lengths, row_tokens));
  for (const int64_t length : lengths) out.tokens += static_cast<double>(std::min(length, row_tokens) - 1);
  out.tokens *= scale;
  return out;
}

KeptData Planner::pairs_of(const PairSource& source) const {
  if (source.path.empty()) return kept(source.stage);
  KeptData out{.exact = true};
  read_json_lines(source.path, [&](Json&& line, const std::string&) {
    const double prompt = side_tokens(line, "prompt", *inputs_.tokenizer);
    out.tokens +=
        prompt +
        (side_tokens(line, "chosen", *inputs_.tokenizer) + side_tokens(line, "rejected", *inputs_.tokenizer)) / 2;
    out.pairs += 1;
  });
  out.tokens /= std::max(1.0, out.pairs);
  return out;
}

void Planner::sample(StagePlan& out, text::Split split, double prompts, double answers,
                     const rollout::SamplingSettings& sampling) const {
  out.sampled += answer_tokens(sampling) * (prompts * answers);
  out.prompts += prompts * survey_.prompts(split).mean_tokens();
}

void Planner::evaluate(StagePlan& out, const EvalSettings& eval, text::Split split) const {
  const int64_t size = survey_.prompts(split).size;
  const auto problems = static_cast<double>(size > 0 ? std::min(size, eval.problems) : eval.problems);
  sample(out, split, problems, static_cast<double>(eval.samples), eval.sampling);
  if (!eval.second_attempt) return;  // some answers may be tried again
  Range again = answer_tokens(eval.sampling) * (problems * static_cast<double>(eval.samples));
  again.low = 0;
  out.sampled += again;
}

void Planner::evaluate(StagePlan& out, const InLoopEval& loop) const {
  if (loop.every_steps == 0) return;
  int64_t times = 1 + out.steps / loop.every_steps;  // before the first step, and after some
  if (out.steps % loop.every_steps != 0) ++times;    // after the last
  for (int64_t i = 0; i < times; ++i) evaluate(out, loop.eval, text::Split::valid);
}

int64_t Planner::longest_prompt() const {
  return std::max<int64_t>(1, survey_.prompts(text::Split::train).longest);
}

int64_t Planner::vocabulary() const {
  return inputs_.tokenizer->vocab_size();
}

KeptData Planner::kept(const std::string& stage) const {
  const auto found = kept_.find(stage);
  return found == kept_.end() ? KeptData{} : found->second;
}

}  // namespace posttrain::pipeline

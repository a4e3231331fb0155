#include "rewards/registry.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <exception>

#include "base/error.h"
#include "rewards/choice.h"
#include "rewards/code.h"
#include "rewards/exact.h"
#include "rewards/format.h"
#include "rewards/json_schema.h"
#include "rewards/language.h"
#include "rewards/lean.h"
#include "rewards/length.h"
#include "rewards/math_reward.h"
#include "rewards/part_names.h"
#include "rewards/pattern.h"
#include "rewards/plugin.h"
#include "rewards/repetition.h"
#include "rewards/tag_count.h"

namespace posttrain::rewards {

namespace {

template <class R>
std::unique_ptr<Reward> make(const Slot& settings) {
  return std::make_unique<R>(settings.as<typename R::Settings>());
}

template <class R>
constexpr RewardEntry entry(const char* name, Role role, const char* doc, bool outside = false) {
  return {{name, doc, &make_params<typename R::Settings>}, role, &make<R>, outside};
}

using enum Role;

constexpr std::array table = {
    entry<CodeReward>("code", judges, "The program in the completion passes hidden tests in the sandbox"),
    entry<ExactReward>("exact", reads_answer, "1 when the text of the first answer tag is the gold answer, else 0"),
    entry<LeanReward>("lean", judges,
                      "The proof in the completion proves the statement, by Lean or the fragment's kernel"),
    entry<MathReward>("math", reads_answer, "1 when the reply's answer equals the gold answer as mathematics, else 0"),
    entry<ChoiceReward>("choice", reads_answer, "1 when the reply names the gold letter of a multiple choice, else 0"),
    entry<JsonSchemaReward>("json_schema", reads_answer, "1 when the answer is JSON that matches a schema, else 0"),
    entry<PluginReward>("plugin", judges, "What a program of yours says, in JSON lines", true),
    entry<PluginReward>("plugin_shape", shapes,
                        "The same for a program that shapes behaviour and judges no correctness", true),
    entry<FormatReward>("format", shapes, "1 when the whole response is a think block and an answer block, else 0"),
    entry<PatternReward>("pattern", shapes, "1 when a regular expression is found in the completion, else 0"),
    entry<TagCountReward>("tag_count", shapes, "A quarter for each of the four tags that stands exactly once"),
    entry<LanguageReward>("language", shapes, "Words of the target language over all words, as DeepSeek-R1"),
    entry<OverlongReward>("overlong", shapes, "DAPO's soft punishment of completions near the longest length"),
    entry<CosineReward>("cosine", shapes,
                        "By length: right answers earn more when short, wrong ones lose less when long"),
    entry<KimiLengthReward>("kimi_length", shapes, "Kimi's length reward, relative to the group"),
    entry<RepetitionReward>("repetition", shapes, "A penalty for repeated n-grams of words"),
};

constexpr auto cases = [] {
  std::array<ParamsCase, table.size()> out{};
  for (size_t i = 0; i < table.size(); ++i) out[i] = table[i].settings;
  return out;
}();

std::string known_types() {
  std::string names;
  for (const RewardEntry& entry : table) names += (names.empty() ? "" : ", ") + std::string(entry.settings.name);
  return names;
}

}  // namespace

std::span<const RewardEntry> reward_table() {
  return table;
}

std::span<const ParamsCase> reward_cases() {
  return cases;
}

const RewardEntry* find_reward(std::string_view type) {
  const auto found = std::ranges::find_if(table, [&](const RewardEntry& e) { return type == e.settings.name; });
  return found == table.end() ? nullptr : &*found;
}

RewardSpec::RewardSpec(const std::string& type, double w, const Json& settings) : weight(w) {
  if (!reward.choose(type)) throw Error("rewards", "type", "one of " + known_types(), type);
  read_params(settings, *reward.slot(), "rewards." + type);
}

void RewardSpec::visit(Visitor& v) {
  v.tagged("type", reward, {.doc = "Which reward", .required = true});
  v("name", name,
    {.doc =
         "Its name in metrics and in rows' reward_weights: a-z, 0-9, - and _; \"\" = the type, with a number where it "
         "repeats"});
  v("weight", weight, {.doc = "Factor of this part in the total"});
}

RewardSet::RewardSet(const std::vector<RewardSpec>& specs, const std::set<std::string>& others) {
  std::vector<PartName> unnamed;
  for (const RewardSpec& spec : specs) {
    const RewardEntry* entry = find_reward(spec.reward.type());
    if (entry == nullptr) throw Error("rewards", "type", "one of " + known_types(), spec.reward.type());
    parts_.push_back({spec.name, entry->settings.name, spec.weight, entry->role, entry->make(*spec.reward.slot())});
  }
  for (Part& part : parts_) unnamed.push_back({&part.name, part.type});
  fill_names(unnamed, others);
}

bool RewardSet::needs_group() const {
  return std::ranges::any_of(parts_, [](const Part& part) { return part.reward->needs_group(); });
}

bool any_judges(std::span<const RewardSpec> specs) {
  return std::ranges::any_of(specs, [](const RewardSpec& spec) {
    const RewardEntry* entry = find_reward(spec.reward.type());
    return entry != nullptr && entry->role != shapes;
  });
}

std::optional<RewardSet::MissingPart> RewardSet::missing(const Sample& sample) const {
  const Json* row = sample.extra != nullptr && sample.extra->is_object() ? sample.extra : nullptr;
  for (const Part& part : parts_) {
    if (row != nullptr && row_weight(*row, part.name, 1) == 0) continue;  // the row leaves it out
    if (auto lack = part.reward->missing(sample)) return MissingPart{part.name, std::move(*lack)};
  }
  return std::nullopt;
}

bool RewardSet::judges_groups() const {
  return std::ranges::any_of(parts_, [](const Part& part) { return part.reward->judges_groups(); });
}

std::vector<Problem> RewardSet::probe(const Sample& sample) const {
  std::vector<Problem> problems;
  for (size_t i = 0; i < parts_.size(); ++i) {
    const std::string at = "rewards[" + std::to_string(i) + "]";
    try {
      parts_[i].reward->probe(sample);
    } catch (const Error& error) {
      problems.push_back(
          {{},
           at + (error.field.empty() ? "" : "." + error.field),
           error.expected.empty() ? error.what() : "expected " + error.expected + ", got: " + error.got});
    }
  }
  return problems;
}

void RewardSet::log_to(const std::filesystem::path& folder) {
  for (Part& part : parts_) part.reward->log_to(folder / (part.name + ".log"));
}

std::vector<Score> RewardSet::score(const Part& part, std::span<const Sample> samples) const {
  try {
    std::vector<Score> scores = part.reward->score_group(samples);
    for (Score& score : scores) {
      if (is_judged(score.verdict) && !std::isfinite(score.value))
        score = {0, Verdict::failed, "the reward is not a number"};
    }
    return scores;
  } catch (const std::exception& error) {
    return {samples.size(), Score{0, Verdict::failed, error.what()}};
  }
}

// Asks one part about the samples that it applies to.
void RewardSet::judge_part(size_t index, bool judging, std::span<Sample> samples, std::span<Outcome> outcomes) const {
  const Part& part = parts_[index];
  std::vector<Sample> asked;
  std::vector<size_t> places;
  std::vector<Score> scores;
  for (size_t i = 0; i < samples.size(); ++i) {
    PartScore& said = outcomes[i].parts[index];
    const Json* row = samples[i].extra;
    if (row != nullptr) said.weight = row_weight(*row, said.name, said.weight);
    if (said.weight == 0 && part.weight != 0) continue;  // the row leaves it out
    if (const std::string complaint = row != nullptr ? row_complaint(*row) : ""; !complaint.empty()) {
      said.verdict = Verdict::failed;
      said.detail = complaint;
      continue;
    }
    asked.push_back(samples[i]);
    places.push_back(i);
  }
  if (part.reward->judges_groups()) {
    if (!asked.empty()) scores = score(part, asked);
  } else {
    for (const Sample& sample : asked) scores.push_back(score(part, {&sample, 1}).front());
  }
  for (size_t k = 0; k < scores.size(); ++k) {
    Outcome& out = outcomes[places[k]];
    PartScore& said = out.parts[index];
    said.value = scores[k].value;
    said.verdict = scores[k].verdict;
    said.detail = std::move(scores[k].detail);
    const Verdict*& correctness = samples[places[k]].correctness;
    if (!judging || correctness != nullptr || !is_judged(said.verdict)) continue;
    correctness = &said.verdict;
    out.answer = std::move(scores[k].answer);
    out.unparsed = part.role == reads_answer && out.answer.empty();
    out.feedback = std::move(scores[k].feedback);
  }
}

std::vector<Outcome> RewardSet::judge_group(std::span<const Sample> samples) const {
  std::vector<Outcome> outcomes(samples.size());
  std::vector<Sample> seen(samples.begin(), samples.end());
  for (size_t i = 0; i < samples.size(); ++i) {
    seen[i].correctness = nullptr;
    for (const Part& part : parts_)
      outcomes[i].parts.push_back({part.name, part.type, 0, part.weight, Verdict::absent, "", part.role != shapes});
  }
  // Judges first: the shaping parts may ask whether the answer was right.
  for (const bool judging : {true, false}) {
    for (size_t p = 0; p < parts_.size(); ++p) {
      if ((parts_[p].role != shapes) == judging) judge_part(p, judging, seen, outcomes);
    }
  }
  for (Outcome& outcome : outcomes) settle(outcome);
  return outcomes;
}

Outcome RewardSet::judge(const Sample& sample) const {
  return judge_group({&sample, 1}).front();
}

}  // namespace posttrain::rewards

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
constexpr RewardEntry entry(const char* name, Role role, const char* doc) {
  return {{name, doc, &make_params<typename R::Settings>}, role, &make<R>};
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
    entry<PluginReward>("plugin", judges, "What a program of yours says, in JSON lines"),
    entry<PluginReward>("plugin_shape", shapes,
                        "The same for a program that shapes behaviour and judges no correctness"),
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
  v("weight", weight, {.doc = "Factor of this part in the total"});
}

RewardSet::RewardSet(const std::vector<RewardSpec>& specs) {
  for (const RewardSpec& spec : specs) {
    const RewardEntry* entry = find_reward(spec.reward.type());
    if (entry == nullptr) throw Error("rewards", "type", "one of " + known_types(), spec.reward.type());
    parts_.push_back({entry->settings.name, spec.weight, entry->role, entry->make(*spec.reward.slot())});
  }
}

namespace {

// A data row may weigh rewards for its own prompt: {"reward_weights": {"format": 0}}.
double weight_of(const std::string& part, double otherwise, const Json* row) {
  if (row == nullptr || !row->is_object()) return otherwise;
  const auto weights = row->find("reward_weights");
  if (weights == row->end() || !weights->is_object()) return otherwise;
  const auto own = weights->find(part);
  return own == weights->end() || !own->is_number() ? otherwise : own->get<double>();
}

}  // namespace

bool RewardSet::needs_group() const {
  return std::ranges::any_of(parts_, [](const Part& part) { return part.reward->needs_group(); });
}

bool any_judges(std::span<const RewardSpec> specs) {
  return std::ranges::any_of(specs, [](const RewardSpec& spec) {
    const RewardEntry* entry = find_reward(spec.reward.type());
    return entry != nullptr && entry->role != shapes;
  });
}

Outcome RewardSet::judge(const Sample& sample) const {
  Outcome out;
  out.parts.resize(parts_.size());
  Sample seen = sample;
  const Verdict* correctness = nullptr;
  // Judges first: the shaping parts may ask whether the answer was right.
  for (const bool judging : {true, false}) {
    seen.correctness = correctness;
    for (size_t i = 0; i < parts_.size(); ++i) {
      if ((parts_[i].role != shapes) != judging) continue;
      Score score;
      try {
        score = parts_[i].reward->score(seen);
      } catch (const std::exception& error) {
        score = {0, Verdict::failed, error.what()};
      }
      if (!std::isfinite(score.value)) score = {0, Verdict::failed, "the reward is not a number"};
      const double weight = weight_of(parts_[i].name, parts_[i].weight, sample.extra);
      out.parts[i] = {parts_[i].name, score.value, weight, score.verdict, std::move(score.detail)};
      if (judging && correctness == nullptr) {
        correctness = &out.parts[i].verdict;
        out.answer = std::move(score.answer);
        out.unparsed = parts_[i].role == reads_answer && out.answer.empty();
        out.feedback = std::move(score.feedback);
      }
    }
  }
  const auto failed = [](const PartScore& part) { return part.verdict == Verdict::failed; };
  if (std::ranges::any_of(out.parts, failed)) {
    out.verdict = Verdict::failed;
    return out;
  }
  for (const PartScore& part : out.parts) out.total += part.weight * part.value;
  if (correctness != nullptr)
    out.verdict = *correctness;
  else if (!out.parts.empty())
    out.verdict = out.parts.front().verdict;
  return out;
}

}  // namespace posttrain::rewards

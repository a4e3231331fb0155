// What the parity checks of objectives share: a fixture's batch of answers, its fields, and the comparison of numbers.
// Internal to pipeline/.
#pragma once

#include <functional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "formats/safetensors.h"
#include "model/learner.h"
#include "parity/rl_parity.h"
#include "rollout/train_batch.h"

namespace posttrain::parity {

// batch.json and batch.safetensors: answers of different lengths in padded rows; row r answers prompt r / group_size.
struct FixtureBatch {
  std::vector<std::vector<int32_t>> prompts;
  std::vector<rollout::Completion> completions;
  std::vector<double> rewards;
  std::vector<bool> truncated;
  int64_t group_size = 1, width = 0;
  std::vector<float> old_logps, ref_logps, mask;  // [rows, width]
  Json json;

  explicit FixtureBatch(const std::filesystem::path& dir);

  int64_t rows() const { return static_cast<int64_t>(completions.size()); }
  std::vector<rollout::TrainSample> samples(std::span<const int64_t> rows) const;
  // The values of a padded tensor [rows.size(), width] at the tokens of these rows' answers, laid end to end.
  std::vector<double> unpad(const std::vector<float>& padded, std::span<const int64_t> rows) const;
  std::vector<int64_t> all_rows() const;
};

// Throws Error for a field that is neither in `known` nor a remark (note, grad_..., min_..., trl_...): a setting that
// nobody reads would be compared with the wrong formula.
void refuse_unknown(const Json& object, const std::string& file, const std::set<std::string>& known);
// One of `choices` (name -> ours), or an Error that lists them.
std::string choice(const Json& object, const std::string& file, const char* field,
                   const std::vector<std::pair<std::string, std::string>>& choices);

class Comparison {
 public:
  Comparison(RlParityCase& result, const RlParityLimits& limits) : result_(result), limits_(limits) {}

  void loss(const char* name, double got, double expected);
  void number(const char* name, double got, double expected);
  void numbers(const char* name, const std::vector<double>& got, const std::vector<double>& expected);
  // ||g - g_ref|| / ||g_ref|| of every tensor named <prefix><parameter>.
  void gradients(const model::Learner& learner, const Safetensors& expected, const std::string& prefix);

 private:
  void record(const char* name, double difference, double limit);
  RlParityCase& result_;
  const RlParityLimits& limits_;
};

// One case: what `check` throws as an Error fails it and is told in its line.
RlParityCase run_case(const std::string& name, const RlParityLimits& limits,
                      const std::function<void(Comparison& compare)>& check);

std::vector<RlParityCase> check_grpo_cases(model::Transformer& model, const std::filesystem::path& dir,
                                           const FixtureBatch& batch, const RlParityLimits& limits);
std::vector<RlParityCase> check_preference_cases(model::Transformer& model, const std::filesystem::path& dir,
                                                 const FixtureBatch& batch, const RlParityLimits& limits);
std::vector<RlParityCase> check_distill_cases(model::Transformer& model, const std::filesystem::path& dir,
                                              const FixtureBatch& batch, const RlParityLimits& limits);

}  // namespace posttrain::parity

#include "parity/rl_fixture.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/error.h"

namespace posttrain::parity {

FixtureBatch::FixtureBatch(const std::filesystem::path& dir) : json(read_json(dir / "batch.json")) {
  const auto tensors = Safetensors::open_file(dir / "batch.safetensors");
  group_size = json.at("num_generations").get<int64_t>();
  prompts = json.at("prompts").get<std::vector<std::vector<int32_t>>>();
  rewards = json.at("rewards").get<std::vector<double>>();
  truncated = json.at("truncated").get<std::vector<bool>>();
  for (const auto& ids : json.at("completions").get<std::vector<std::vector<int32_t>>>()) {
    completions.push_back({.ids = ids});
  }
  width = tensors.entry("completion_mask").shape.at(1);
  mask = tensors.floats("completion_mask");
  old_logps = tensors.floats("old_logps");
  ref_logps = tensors.floats("ref_logps");
  const std::string file = (dir / "batch.json").string();
  if (group_size < 1 || rows() > group_size * std::ssize(prompts)) {
    throw Error(file, "num_generations", "a prompt for every completion", std::to_string(group_size));
  }
  if (std::ssize(rewards) != rows() || std::ssize(truncated) != rows() || std::ssize(mask) != rows() * width) {
    throw Error(file, "completions", "as many rows as rewards, truncated and completion_mask", std::to_string(rows()));
  }
}

std::vector<rollout::TrainSample> FixtureBatch::samples(std::span<const int64_t> chosen) const {
  std::vector<rollout::TrainSample> out;
  for (const int64_t r : chosen) out.push_back({&prompts.at(r / group_size), &completions.at(r)});
  return out;
}

std::vector<double> FixtureBatch::unpad(const std::vector<float>& padded, std::span<const int64_t> chosen) const {
  std::vector<double> out;
  for (size_t i = 0; i < chosen.size(); ++i) {
    const size_t length = completions.at(chosen[i]).ids.size(), begin = i * static_cast<size_t>(width);
    for (size_t t = 0; t < length; ++t) out.push_back(padded.at(begin + t));
  }
  return out;
}

std::vector<int64_t> FixtureBatch::all_rows() const {
  std::vector<int64_t> all(completions.size());
  std::iota(all.begin(), all.end(), 0);
  return all;
}

void refuse_unknown(const Json& object, const std::string& file, const std::set<std::string>& known) {
  for (const auto& [key, value] : object.items()) {
    const auto remark = [&key = key](const char* prefix) { return key.starts_with(prefix); };
    if (known.contains(key) || remark("note") || remark("grad_") || remark("min_") || remark("trl_")) continue;
    std::string all;
    for (const std::string& name : known) all += (all.empty() ? "" : ", ") + name;
    throw Error(file, key, "one of " + all, "an unknown field");
  }
}

std::string choice(const Json& object, const std::string& file, const char* field,
                   const std::vector<std::pair<std::string, std::string>>& choices) {
  const auto name = object.at(field).get<std::string>();
  std::string all;
  for (const auto& [theirs, ours] : choices) {
    if (name == theirs) return ours;
    all += (all.empty() ? "" : ", ") + theirs;
  }
  throw Error(file, field, "one of " + all, "\"" + name + "\"");
}

void Comparison::loss(const char* name, double got, double expected) {
  record(name, std::fabs(got - expected), limits_.loss + limits_.loss_relative * std::fabs(expected));
}

void Comparison::number(const char* name, double got, double expected) {
  record(name, std::fabs(got - expected), limits_.value * (1 + std::fabs(expected)));
}

void Comparison::numbers(const char* name, const std::vector<double>& got, const std::vector<double>& expected) {
  double worst = got.size() == expected.size() ? 0 : std::numeric_limits<double>::infinity();
  for (size_t i = 0; i < std::min(got.size(), expected.size()); ++i) {
    const double difference = std::fabs(got[i] - expected[i]) / (1 + std::fabs(expected[i]));
    if (!(difference <= worst)) worst = difference;  // NaN stays
  }
  record(name, worst, limits_.value);
}

void Comparison::gradients(const model::Learner& learner, const Safetensors& expected, const std::string& prefix) {
  double worst = 0;
  std::string worst_name;
  for (const std::string& name : expected.names()) {
    if (!name.starts_with(prefix)) continue;
    const auto want = expected.floats(name);
    const auto got = learner.gradient(name.substr(prefix.size()));
    double difference = 0, size = 0;
    for (size_t i = 0; i < want.size(); ++i) {
      difference += (double{got.at(i)} - want[i]) * (double{got[i]} - want[i]);
      size += double{want[i]} * want[i];
    }
    const double relative = size > 0 ? std::sqrt(difference / size) : (difference > 0 ? INFINITY : 0);
    if (worst_name.empty() || !(relative <= worst)) {
      worst = relative;
      worst_name = name.substr(prefix.size());
    }
  }
  record("grad_rel_l2_worst", worst_name.empty() ? INFINITY : worst, limits_.gradient);
  result_.differences["grad_worst_name"] = worst_name;
}

void Comparison::record(const char* name, double difference, double limit) {
  result_.differences[name] = difference;
  result_.pass = result_.pass && difference <= limit;  // false for NaN
}

RlParityCase run_case(const std::string& name, const RlParityLimits& limits,
                      const std::function<void(Comparison& compare)>& check) {
  RlParityCase result{.name = name};
  Comparison compare(result, limits);
  try {
    check(compare);
  } catch (const std::exception& error) {
    result.pass = false;
    result.differences["error"] = error.what();
  }
  return result;
}

}  // namespace posttrain::parity

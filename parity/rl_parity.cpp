#include "parity/rl_parity.h"

#include <iterator>
#include <memory>

#include "base/error.h"
#include "parity/rl_fixture.h"

namespace posttrain::parity {

std::string RlParityCase::to_json() const {
  Json line = {{"case", name}, {"pass", pass}};
  for (const auto& [key, value] : differences.items()) line[key] = value;
  return to_line(line);
}

std::vector<RlParityCase> check_rl_parity(nn::Backend& backend, const std::filesystem::path& dir,
                                          const RlParityLimits& limits) {
  struct Kind {
    const char* file;
    decltype(&check_grpo_cases) check;
  };
  constexpr Kind kinds[] = {{"grpo_cases.json", &check_grpo_cases},
                            {"dpo.json", &check_preference_cases},
                            {"distill.json", &check_distill_cases}};
  const auto model = model::Transformer::load(backend, dir / "model", DType::f32, nn::Use::training);
  const FixtureBatch batch(dir);
  std::vector<RlParityCase> results;
  for (const Kind& kind : kinds) {
    if (!std::filesystem::exists(dir / kind.file)) continue;
    auto more = kind.check(*model, dir, batch, limits);
    results.insert(results.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  }
  if (results.empty()) throw Error(dir.string(), "", "grpo_cases.json, dpo.json or distill.json", "none with a case");
  return results;
}

}  // namespace posttrain::parity

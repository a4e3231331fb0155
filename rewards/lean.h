// The reward for a Lean proof: 1 when the backend says right. What was judged by whom stands in the detail.
#pragma once

#include <memory>
#include <string_view>

#include "rewards/lean_backend.h"

namespace posttrain::rewards {

class LeanReward : public Reward {
 public:
  using Settings = LeanSettings;

  explicit LeanReward(const Settings& settings);
  // The statement is extra["statement"], extra["formal_statement"] or the answer, in this order.
  Score score(const Sample& sample) const override;
  Lack missing(const Sample& sample) const override;

  // The proof in a completion, by the setting proof_in; empty when there is none.
  static std::string_view proof_of(std::string_view completion, const std::string& proof_in);

 private:
  std::string proof_in_;
  std::unique_ptr<LeanBackend> backend_;
};

}  // namespace posttrain::rewards

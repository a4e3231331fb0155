// Every reward the program knows, in one visible table, and their weighted sum.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/params.h"
#include "rewards/reward.h"

namespace posttrain::rewards {

// shapes: says nothing of right and wrong. judges: its verdict says whether the answer is right. reads_answer: it also
// names the answer that it found, so a completion without one can be told from a wrong one.
enum class Role : uint8_t { shapes, judges, reads_answer };

// One line of the table.
struct RewardEntry {
  ParamsCase settings;  // the name in recipes, what it does, its settings struct
  Role role;
  std::unique_ptr<Reward> (*make)(const Slot& settings);
};

// To add a reward: one file with a Settings struct and a Reward, and one line in registry.cpp.
std::span<const RewardEntry> reward_table();
// The same as choices of a Tagged setting, so that recipes, schema and help follow the table.
std::span<const ParamsCase> reward_cases();
// Null when there is no such reward.
const RewardEntry* find_reward(std::string_view type);

// One part of a reward as a recipe writes it: {"type": "exact", "weight": 1, <settings of that type>}.
struct RewardSpec {
  Tagged reward{reward_cases()};
  double weight = 1;

  RewardSpec() = default;
  // For code and tests. Throws Error when the type is unknown, Problems when a setting is.
  RewardSpec(const std::string& type, double weight, const Json& settings);
  void visit(Visitor& v);
};

// Whether one of them says what is right.
bool any_judges(std::span<const RewardSpec> specs);

struct PartScore {
  std::string name;
  double value = 0;
  double weight = 1;
  Verdict verdict = Verdict::wrong;
  std::string detail;
};

// total = sum of weight * value. The verdict is failed when any part failed (the sample is then masked); else that of
// the first part that judges correctness; else, when no part does, of the first part.
struct Outcome {
  double total = 0;
  Verdict verdict = Verdict::wrong;
  std::vector<PartScore> parts;  // in the order of the specs
  std::string answer, feedback;  // of the first part that judges correctness
  bool unparsed = false;         // that part looked for an answer and found none
};

// A weighted composition. Thread-safe after construction. An exception inside a reward is a failed part.
class RewardSet {
 public:
  explicit RewardSet(const std::vector<RewardSpec>& specs);
  Outcome judge(const Sample& sample) const;
  size_t size() const { return parts_.size(); }
  bool needs_group() const;

 private:
  struct Part {
    std::string name;
    double weight;
    Role role;
    std::unique_ptr<Reward> reward;
  };
  std::vector<Part> parts_;
};

}  // namespace posttrain::rewards

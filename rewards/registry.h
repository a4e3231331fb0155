// Every reward the program knows, in one visible table, and their weighted sum.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/node.h"
#include "base/params.h"
#include "rewards/outcome.h"
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
  bool outside = false;  // judges by a process of the user's: worth a probe before a long run
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
  std::string name;  // "" in the file; then the type, with a number where it repeats
  double weight = 1;

  RewardSpec() = default;
  // For code and tests. Throws Error when the type is unknown, Problems when a setting is.
  RewardSpec(const std::string& type, double weight, const Json& settings);
  void visit(Visitor& v);
};

// Whether one of them says what is right.
bool any_judges(std::span<const RewardSpec> specs);

// A weighted composition. Thread-safe after construction. An exception inside a reward is a failed part; a part that
// the data row leaves out (part_names.h) is absent and not asked.
class RewardSet {
 public:
  // Parts without a name get one. `others`: names of rewards given elsewhere, which no part gets.
  explicit RewardSet(const std::vector<RewardSpec>& specs, const std::set<std::string>& others = {});
  Outcome judge(const Sample& sample) const;
  // The answers to one prompt.
  std::vector<Outcome> judge_group(std::span<const Sample> samples) const;
  // The first part that applies to the sample's row and lacks something of it.
  struct MissingPart {
    std::string reward, what;
  };
  std::optional<MissingPart> missing(const Sample& sample) const;
  size_t size() const { return parts_.size(); }
  bool needs_group() const;
  // True when a part wants all answers to a prompt at once.
  bool judges_groups() const;

  // What Reward::probe says of each part: {"rewards[0].command", the message}; empty when all is well.
  std::vector<Problem> probe(const Sample& sample) const;
  // Processes of judges add their stderr to <folder>/<name of the part>.log; before the first sample.
  void log_to(const std::filesystem::path& folder);

 private:
  struct Part {
    std::string name, type;
    double weight;
    Role role;
    std::unique_ptr<Reward> reward;
  };
  std::vector<Score> score(const Part& part, std::span<const Sample> samples) const;
  void judge_part(size_t part, bool judging, std::span<Sample> samples, std::span<Outcome> outcomes) const;

  std::vector<Part> parts_;
};

}  // namespace posttrain::rewards

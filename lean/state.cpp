#include "lean/state.h"

#include <algorithm>
#include <optional>

namespace posttrain::lean {

const Hypothesis* Goal::find(std::string_view name) const {
  for (size_t i = hypotheses.size(); i-- > 0;)
    if (hypotheses[i].name == name) return &hypotheses[i];
  return nullptr;
}

std::string Goal::text() const {
  std::string out;
  for (const Variable& v : variables) {
    out += v.name + " : ";
    for (const Sort s : v.args) out += std::string(sort_name(s)) + " → ";
    out += std::string(sort_name(v.sort)) + "\n";
  }
  for (const Hypothesis& h : hypotheses) out += h.name + " : " + print(h.formula) + "\n";
  return out + "⊢ " + print(target);
}

ProofState::ProofState(Goal goal) {
  nodes_.push_back({std::move(goal), nullptr, {}});
  open_ = {0};
}

void ProofState::refine(size_t id, std::vector<Goal> subgoals, Justify justify) {
  if (nodes_.size() > 20000) throw OutOfBudget("too many goals");
  const auto at = std::ranges::find(open_, id);
  std::vector<size_t> children;
  for (Goal& g : subgoals) {
    children.push_back(nodes_.size());
    nodes_.push_back({std::move(g), nullptr, {}});
  }
  nodes_[id].justify = std::move(justify);
  nodes_[id].children = children;
  const auto place = open_.erase(at);
  open_.insert(place, children.begin(), children.end());
}

void ProofState::back_to(const Mark& mark) {
  nodes_.erase(nodes_.begin() + static_cast<std::ptrdiff_t>(mark.nodes), nodes_.end());
  open_ = mark.open;
  for (const size_t id : open_) {
    nodes_[id].justify = nullptr;
    nodes_[id].children.clear();
  }
}

Theorem ProofState::prove(const Kernel& kernel) const {
  std::vector<std::optional<Theorem>> done(nodes_.size());
  for (size_t id = nodes_.size(); id-- > 0;) {  // children have larger ids
    const Node& node = nodes_[id];
    if (!node.justify) throw RuleError("a goal is open");
    std::vector<Theorem> parts;
    for (const size_t child : node.children) parts.push_back(*done[child]);
    done[id] = node.justify(kernel, parts);
    if (done[id]->conclusion() != node.goal.target) throw RuleError("a tactic justified another statement");
  }
  return *done[0];
}

}  // namespace posttrain::lean

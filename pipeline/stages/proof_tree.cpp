#include "pipeline/stages/proof_tree.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace posttrain::pipeline {

ProofTree::ProofTree(double discount) : discount_(discount), nodes_(1) {}

size_t ProofTree::best_arm(const Node& node) {
  double total = 0;
  for (const Arm& arm : node.arms) total += arm.count + arm.pending;
  size_t best = 0;
  double best_value = -1;
  for (size_t i = 0; i < node.arms.size(); ++i) {
    const double n = node.arms[i].count + node.arms[i].pending;
    const double value = n == 0 ? std::numeric_limits<double>::infinity()
                                : node.arms[i].reward / n + std::sqrt(2 * std::log(std::max(1.0, total)) / n);
    if (value > best_value) {
      best = i;
      best_value = value;
    }
  }
  return best;
}

int ProofTree::select() {
  for (int at = 0;;) {
    Node& node = nodes_[static_cast<size_t>(at)];
    Arm& arm = node.arms[best_arm(node)];
    ++arm.pending;
    if (arm.child < 0) return at;
    at = arm.child;
  }
}

void ProofTree::add(int node, std::span<const ProofState> reached) {
  const size_t before = nodes_.size();
  int last = node;
  for (const ProofState& state : reached) {
    const auto [found, fresh] = by_goals_.try_emplace(state.goals, static_cast<int>(nodes_.size()));
    if (fresh) {
      nodes_[static_cast<size_t>(last)].arms.push_back({.child = found->second});
      nodes_.push_back({.prefix = state.prefix, .parent = last});
    }
    last = found->second;
  }
  const double reward = nodes_.size() > before ? 1 : 0;
  for (int at = node, child = -1; at >= 0; child = at, at = nodes_[static_cast<size_t>(at)].parent) {
    for (Arm& arm : nodes_[static_cast<size_t>(at)].arms) {
      arm.count *= discount_;
      arm.reward *= discount_;
      if (arm.child != child) continue;
      --arm.pending;
      arm.count += 1;
      arm.reward += reward;
    }
  }
}

}  // namespace posttrain::pipeline

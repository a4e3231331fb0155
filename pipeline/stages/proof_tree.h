// A search tree over proof states (RMaxTS: DeepSeek-Prover-V1.5, arXiv 2408.08152, section 3). The model always writes
// on to the end of a proof; what the checker accepts of it becomes nodes, and reaching a new state is the only reward.
#pragma once

#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace posttrain::pipeline {

// An accepted prefix of a proof and the goals that it leaves.
struct ProofState {
  std::string prefix, goals;
};

class ProofTree {
 public:
  // `discount` forgets old rewards (DUCB, Garivier and Moulines 2011).
  explicit ProofTree(double discount);

  // The node from which the next attempt is to be written. Until its add() the choice counts as one that found nothing,
  // so that several choices at a time go different ways.
  int select();
  const std::string& prefix(int node) const { return nodes_[static_cast<size_t>(node)].prefix; }
  // What the attempt from a selected node reached, in order. States that are known already make no nodes.
  void add(int node, std::span<const ProofState> reached);
  size_t size() const { return nodes_.size(); }

 private:
  struct Arm {
    int child = -1;  // -1: write an attempt from here
    double count = 0, reward = 0;
    int pending = 0;
  };
  struct Node {
    std::string prefix;
    int parent = -1;
    std::vector<Arm> arms = {Arm{}};
  };
  static size_t best_arm(const Node& node);

  double discount_;
  std::vector<Node> nodes_;
  std::unordered_map<std::string, int> by_goals_;
};

}  // namespace posttrain::pipeline

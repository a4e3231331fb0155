// The goals of a proof in progress. A solved goal keeps a function that makes its theorem from those of its subgoals;
// prove() runs them, so a proof counts only when the kernel has made the theorem.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "lean/elaborate.h"
#include "lean/theorem.h"

namespace posttrain::lean {

struct Hypothesis {
  std::string name;
  Term formula;
};

struct Goal {
  std::vector<Variable> variables;
  std::vector<Hypothesis> hypotheses;
  Term target;

  const Hypothesis* find(std::string_view name) const;  // the last of that name
  std::string text() const;                             // as Lean shows it: "h : a < b\n⊢ a ≤ b"
};

using Justify = std::function<Theorem(const Kernel&, std::span<const Theorem>)>;

class ProofState {
 public:
  explicit ProofState(Goal goal);

  const std::vector<size_t>& open() const { return open_; }
  const Goal& goal(size_t id) const { return nodes_[id].goal; }
  // Replaces goal `id` by subgoals, whose theorems justify makes into that of `id`.
  void refine(size_t id, std::vector<Goal> subgoals, Justify justify);
  // Brings goal `id` to the front (back) of the open goals.
  void focus_only(const std::vector<size_t>& ids) { open_ = ids; }

  struct Mark {
    size_t nodes;
    std::vector<size_t> open;
  };
  Mark mark() const { return {nodes_.size(), open_}; }
  void back_to(const Mark& mark);

  // The theorem of the first goal; no goal may be open.
  Theorem prove(const Kernel& kernel) const;

 private:
  struct Node {
    Goal goal;
    Justify justify;
    std::vector<size_t> children;
  };
  std::vector<Node> nodes_;
  std::vector<size_t> open_;
};

}  // namespace posttrain::lean

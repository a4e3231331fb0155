// The search tree of RMaxTS, on states that are made up.
#include "pipeline/stages/proof_tree.h"

#include <gtest/gtest.h>

namespace posttrain::pipeline {
namespace {

TEST(ProofTree, BeginsWithWholeProofsFromTheRoot) {
  ProofTree tree(0.99);
  EXPECT_EQ(tree.select(), 0);
  EXPECT_EQ(tree.prefix(0), "");
}

TEST(ProofTree, ANewStateIsTriedBeforeTheRootIsTriedAgain) {
  ProofTree tree(0.99);
  const ProofState reached[] = {{"intro h;", "h : p |- q"}, {"intro h;left;", "h : p |- r"}};
  tree.add(tree.select(), reached);
  EXPECT_EQ(tree.size(), 3);
  EXPECT_EQ(tree.prefix(tree.select()), "intro h;");
}

TEST(ProofTree, ChoicesAtOnceGoDifferentWays) {
  ProofTree tree(0.99);
  const ProofState left[] = {{"left;", "|- p"}}, right[] = {{"right;", "|- q"}};
  tree.add(tree.select(), left);
  const int first = tree.select(), second = tree.select();
  EXPECT_NE(first, second);
  tree.add(first, right);
  tree.add(second, {});
}

TEST(ProofTree, TheSameGoalsAreOneStateHoweverTheyWereReached) {
  ProofTree tree(0.99);
  const ProofState once[] = {{"intro h;", "h : p |- q"}}, again[] = {{"intro h;skip;", "h : p |- q"}};
  tree.add(tree.select(), once);
  tree.add(tree.select(), again);
  EXPECT_EQ(tree.size(), 2);
}

// Only new states are rewarded: a node that leads nowhere new is left for one that does.
TEST(ProofTree, AttemptsGoWhereNewStatesWereFound) {
  ProofTree tree(0.99);
  const ProofState both[] = {{"left;", "|- p"}}, other[] = {{"right;", "|- q"}};
  tree.add(tree.select(), both);
  tree.add(tree.select(), {});     // from "left;": nothing
  tree.add(tree.select(), other);  // the other arm of the root
  int fruitful = 0;
  for (int i = 0; i < 60; ++i) {
    const int node = tree.select();
    const bool right = tree.prefix(node).starts_with("right;");
    fruitful += right;
    const std::string depth = std::to_string(i);
    const ProofState deeper[] = {{"right;" + depth + ";", "|- q" + depth}};
    if (right)
      tree.add(node, deeper);
    else
      tree.add(node, {});
  }
  EXPECT_GT(fruitful, 40);
}

}  // namespace
}  // namespace posttrain::pipeline

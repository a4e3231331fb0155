#include "pipeline/stages/judge.h"

#include <gtest/gtest.h>

#include <cmath>

namespace posttrain::pipeline {
namespace {

TEST(Judge, AReplyNamesTheLabelThatStandsFirstAsAWord) {
  EXPECT_EQ(named_choice("B", "A", "B"), 1);
  EXPECT_EQ(named_choice(" **A** is better than B.", "A", "B"), 0);
  EXPECT_EQ(named_choice("Answer B", "A", "B"), 1) << "the A of Answer is no label";
  EXPECT_EQ(named_choice("Both are bad", "A", "B"), std::nullopt);
  EXPECT_EQ(named_choice("", "A", "B"), std::nullopt);
}

TEST(Judge, AGradeIsTheFirstNumberWithinItsRange) {
  EXPECT_EQ(named_grade("7", 10), 7);
  EXPECT_EQ(named_grade("Grade: 8.5/10", 10), 8.5);
  EXPECT_EQ(named_grade("11", 10), std::nullopt);
  EXPECT_EQ(named_grade("-3", 10), std::nullopt);
  EXPECT_EQ(named_grade("none", 10), std::nullopt);
}

TEST(Judge, OnlyAMajorityOverBothOrdersDecides) {
  EXPECT_TRUE((Preference{1, 1}.decided()));
  EXPECT_FALSE((Preference{1, 0}.decided())) << "always the first place: no preference";
  EXPECT_TRUE((Preference{0.75, 0.5}.decided()));
  EXPECT_FALSE((Preference{NAN, 1}.decided()));
}

}  // namespace
}  // namespace posttrain::pipeline

#include "base/format.h"

#include <gtest/gtest.h>

namespace posttrain {
namespace {

TEST(Format, FollowsPrintfAtAnyLength) {
  EXPECT_EQ(formatted("%.1f%% of %s, %03d", 12.34, "all", 7), "12.3% of all, 007");
  EXPECT_EQ(formatted("%s", ""), "");
  const std::string text(5000, 'x');
  EXPECT_EQ(formatted("%s|", text.c_str()), text + "|");
}

TEST(Format, ADurationHasTheUnitThatPeopleWouldTake) {
  EXPECT_EQ(duration_text(3.44), "3.4 s");
  EXPECT_EQ(duration_text(75.4), "75 s");
  EXPECT_EQ(duration_text(150), "2.5 min");
  EXPECT_EQ(duration_text(2 * 3600), "2.0 h");
}

TEST(Format, ANumberHasNoNeedlessFraction) {
  EXPECT_EQ(number_text(3), "3");
  EXPECT_EQ(number_text(-0.5), "-0.5");
  EXPECT_EQ(number_text(1e300), "1e+300");
}

}  // namespace
}  // namespace posttrain

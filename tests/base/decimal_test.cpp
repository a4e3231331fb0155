#include "base/decimal.h"

#include <gtest/gtest.h>

#include <limits>

namespace posttrain {
namespace {

Decimal number(const char* text) {
  return Decimal::of(Json::parse(text));
}

TEST(Decimal, EqualNumbersHaveOneForm) {
  for (const auto& [a, b] :
       {std::pair{"1", "1.0"}, {"100", "1e2"}, {"0", "-0.0"}, {"0.1", "1e-1"}, {"-25e-1", "-2.5"}}) {
    EXPECT_EQ(number(a), number(b)) << a << " " << b;
    EXPECT_EQ(number(a).text(), number(b).text());
  }
  EXPECT_NE(number("0.1"), number("0.10000000000000002"));
  EXPECT_EQ(number("-9223372036854775808").digits, 9223372036854775808u);
  EXPECT_THROW(Decimal::of(Json(std::numeric_limits<double>::infinity())), Error);
}

TEST(Decimal, OrderIsThatOfTheNumbers) {
  const char* rising[] = {"-1e300",
                          "-9223372036854775808",
                          "-2.5",
                          "-2.4999999",
                          "-1e-300",
                          "0",
                          "5e-324",
                          "0.1",
                          "0.3",
                          "1",
                          "1.0000001",
                          "9.9",
                          "10",
                          "18446744073709551614",
                          "18446744073709551615",
                          "1e20",
                          "1.7976931348623157e308"};
  for (size_t i = 0; i < std::size(rising); ++i) {
    for (size_t j = 0; j < std::size(rising); ++j)
      EXPECT_EQ(number(rising[i]) <=> number(rising[j]), i <=> j) << rising[i] << " " << rising[j];
  }
}

TEST(Decimal, MultiplesAreThoseOfTheDecimalsThatAreWritten) {
  const auto is = [](const char* value, const char* of) { return number(value).is_multiple_of(number(of)); };
  for (const auto& [value, of] : {std::pair{"0.3", "0.1"},
                                  {"19.99", "0.01"},
                                  {"7", "0.5"},
                                  {"0", "3"},
                                  {"-9", "3"},
                                  {"18446744073709551615", "5"},
                                  {"12391239123", "1e-8"},
                                  {"3e20", "3e-5"},
                                  {"1e308", "0.5"}})
    EXPECT_TRUE(is(value, of)) << value << " " << of;
  for (const auto& [value, of] : {std::pair{"0.35", "0.1"},
                                  {"19.995", "0.01"},
                                  {"1", "1e25"},
                                  {"1e20", "3e-5"},
                                  {"7", "2"},
                                  {"1e-300", "1"},
                                  {"4.5", "1"}})
    EXPECT_FALSE(is(value, of)) << value << " " << of;
}

}  // namespace
}  // namespace posttrain

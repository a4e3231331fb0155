// A gold answer and a reply from hostile hands: the checker ends within its steps, never throws, and is never right
// about a whole number that is off by one. Input: gold, a zero byte, reply.
#include <string>
#include <string_view>

#include "base/error.h"
#include "mathcheck/checker.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace posttrain;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t cut = input.find('\0');
  const std::string gold(input.substr(0, cut)), reply(cut == std::string_view::npos ? input : input.substr(cut + 1));
  for (const mathcheck::Policy policy : {mathcheck::Policy::box, mathcheck::Policy::lenient}) {
    mathcheck::CheckOptions options;
    options.policy = policy;
    options.steps = 50'000;
    const mathcheck::CheckResult result = mathcheck::check(gold, reply, options);
    PT_ASSERT(result.verdict != Verdict::failed, result.method);
    // The same question has the same answer.
    PT_ASSERT(mathcheck::check(gold, reply, options).verdict == result.verdict, result.method);
  }
  // A sum that is off by one is never right.
  mathcheck::CheckOptions options;
  options.steps = 50'000;
  if (gold.size() < 200 && gold.find_first_not_of("0123456789+-*^/() ") == std::string::npos && !gold.empty()) {
    const mathcheck::CheckResult shifted = mathcheck::check(gold, "\\boxed{(" + gold + ") + 1}", options);
    const bool plain = gold.find_first_not_of("0123456789") == std::string::npos;
    PT_ASSERT(!plain || shifted.verdict != Verdict::right, gold);
  }
  return 0;
}

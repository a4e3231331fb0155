// Wrong answers by construction, judged by the math checker: bench/math_mutants [DATA.jsonl ...]
// Each mutant changes its gold answer's value (its sign, case, unit, bracket, function, range, scale words in several
// languages ...), so that every one that is accepted is a false accept, to be read. Golds are made here; from data
// files come those of the last box of the field `solution` or the text behind #### of `answer`.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/letters.h"
#include "mathcheck/checker.h"

namespace posttrain::mathcheck {
namespace {

using Mutation = std::optional<std::string> (*)(const std::string& gold);

std::optional<long> integer(const std::string& gold) {
  if (gold.empty() || gold.size() > 12 ||
      gold.find_first_not_of("0123456789", gold[0] == '-' ? 1 : 0) != std::string::npos)
    return std::nullopt;
  if (gold == "-") return std::nullopt;
  return std::stol(gold);
}

// A formula in letters, without signs that could make a change of it the same again.
bool formula(const std::string& gold) {
  const bool plain = gold.find_first_not_of("abcdghkmnpqrstuvwxyz0123456789+-*/^{}() ") == std::string::npos;
  return plain && gold.find_first_of("abcdghkmnpqrstuvwxyz") != std::string::npos && gold.size() < 60;
}

std::string text(const char* words) {
  return "\\text{" + std::string(words) + "}";
}

// `make` for integers of at least `least`.
template <long least, class Make>
std::optional<std::string> of_integer(const std::string& gold, Make make) {
  const auto n = integer(gold);
  return n && *n >= least ? std::optional<std::string>(make(*n)) : std::nullopt;
}

#define INTEGER(name, least, result)                                                               \
  {                                                                                                \
    name, [](const std::string& g) {                                                               \
      return of_integer<least>(g, [&]([[maybe_unused]] long n) -> std::string { return result; }); \
    }                                                                                              \
  }
#define FORMULA(name, result)                                                                                 \
  {                                                                                                           \
    name, [](const std::string& g) { return formula(g) ? std::optional<std::string>(result) : std::nullopt; } \
  }

const std::vector<std::pair<const char*, Mutation>> kMutations = {
    INTEGER("sign", 1, "-" + g),
    INTEGER("sign in words", 1, text("negative ") + g),
    INTEGER("sign in Chinese", 1, text("负") + g),
    INTEGER("one more", 0, std::to_string(n + 1)),
    INTEGER("ten times", 1, g + "0"),
    INTEGER("square", 2, g + "^2"),
    INTEGER("squared in words", 2, g + text(" squared")),
    INTEGER("reciprocal", 2, "\\frac{1}{" + g + "}"),
    INTEGER("root", 2, "\\sqrt{" + g + "}"),
    INTEGER("thousand", 1, g + text(" thousand")),
    INTEGER("lakh", 1, g + text(" lakh")),
    INTEGER("scale in Chinese", 1, g + text("万")),
    INTEGER("scale in German", 1, g + text(" tausend")),
    INTEGER("scale in French", 1, g + text(" mille")),
    INTEGER("half of", 1, text("half of ") + g),
    INTEGER("parts", 1, g + text(" thirds")),
    INTEGER("factorial", 3, g + "!"),
    INTEGER("negation", 0, text("not ") + g),
    INTEGER("negation in Chinese", 0, text("不等于") + g),
    INTEGER("comparison", 0, text("at least ") + g),
    INTEGER("alternative", 0, g + text(" or ") + std::to_string(n + 1)),
    INTEGER("list", 0, g + ", " + std::to_string(n + 1)),
    INTEGER("application", 0, "f(" + g + ")"),
    INTEGER("function", 1, "\\sin(" + g + ")"),
    INTEGER("power of two", 1, "2^{64}\\cdot " + g),
    INTEGER("Mersenne prime", 0, g + "+2^{61}-1"),
    INTEGER("whole part", 0, "\\lfloor " + g + ".5 \\rfloor + 1"),
    INTEGER("imaginary", 1, g + "i"),
    INTEGER("circle", 1, g + "\\pi"),
    INTEGER("interval", 0, "(" + g + ", " + std::to_string(n + 1) + ")"),
    INTEGER("closed interval", 0, "[" + g + ", " + g + ")"),
    INTEGER("false chain", 0, std::to_string(n + 1) + " = " + g),
    INTEGER("rounded", 1000000, "1.00000\\times 10^{" + std::to_string(g.size() - 1) + "} + 1"),
    INTEGER("ratio", 2, g + ":3"),
    INTEGER("set of two", 0, "\\{" + g + ", -1\\}"),
    FORMULA("formula plus one", g + "+1"),
    FORMULA("formula doubled", "2(" + g + ")"),
    FORMULA("formula negated", "-(" + g + ")"),
    FORMULA("formula squared", "(" + g + ")^2"),
    FORMULA("alias of two", "2^{61}(" + g + ")+1"),
    FORMULA("absolute value", "|" + g + "|+1"),
    FORMULA("derivative", "\\frac{d}{dx}(" + g + ")+7"),
    FORMULA("applied", "f(" + g + ")"),
    FORMULA("equation", g + " = 0"),
    FORMULA("largest", "\\max(" + g + ", 1000)"),
    {"unit",
     [](const std::string& g) { return integer(g).value_or(0) > 0 ? std::optional(g + text(" cm")) : std::nullopt; }},
};

// Replies in prose that take the answer back or offer another.
const std::vector<std::pair<const char*, Mutation>> kReplies = {
    INTEGER("hedge", 0, "The answer is " + g + ", or possibly " + std::to_string(n + 1) + "."),
    INTEGER("second thought", 0, "The answer is " + g + " but it could be " + std::to_string(n + 2) + "."),
    INTEGER("denial", 0, "The answer isn't " + g + "."),
    INTEGER("neither", 0, "Answer: neither " + g + " nor " + std::to_string(n + 1)),
    INTEGER("several", 0, "<answer>" + g + "\n" + std::to_string(n + 1) + "\n" + std::to_string(n + 2) + "</answer>"),
    INTEGER("denial in Chinese", 0, "答案不是" + g),
    INTEGER("unfinished thought", 0, "<think>so it is " + g),
};

std::vector<std::string> golds_of(const std::string& file) {
  std::vector<std::string> out;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    const Json row = parse_json(line, file);
    for (const char* field : {"solution", "answer"}) {
      if (!row.contains(field) || !row[field].is_string()) continue;
      out.push_back(extract_answer(row[field].get<std::string>(), Policy::marked, Think::off).text);
      break;
    }
  }
  return out;
}

int run(int count, char** files) {
  std::set<std::string> golds;
  for (long n = 0; n < 4000; ++n) golds.insert(std::to_string(n * 7 + n % 5));
  for (long n = 1; n < 400; ++n) golds.insert(std::to_string(n * 7919 * 131));
  for (int a = 1; a < 30; ++a) {
    for (int b = 1; b < 30; ++b) golds.insert(std::to_string(a) + "x^2+" + std::to_string(b) + "y");
  }
  for (int i = 0; i < count; ++i) {
    for (std::string& gold : golds_of(files[i])) golds.insert(std::move(gold));
  }
  std::map<std::string, std::pair<int64_t, int64_t>> counts;  // tried, accepted
  const Clock clock;
  const auto judge = [&](const char* kind, const std::string& gold, const std::string& reply) {
    auto& [tried, accepted] = counts[kind];
    ++tried;
    if (check(gold, reply).verdict != Verdict::right) return;
    ++accepted;
    std::printf("ACCEPTED %s: %s | %s\n", kind, gold.c_str(), reply.c_str());
  };
  for (const std::string& gold : golds) {
    for (const auto& [kind, mutate] : kMutations) {
      if (std::string_view(kind) == "unit") {
        if (const auto m = mutate(gold)) judge(kind, gold + text(" m"), "\\boxed{" + *m + "}");
      } else if (const auto m = mutate(gold)) {
        judge(kind, gold, "\\boxed{" + *m + "}");
      }
    }
    for (const auto& [kind, mutate] : kReplies) {
      if (const auto m = mutate(gold)) judge(kind, gold, *m);
    }
  }
  int64_t tried = 0, accepted = 0;
  for (const auto& [kind, n] : counts) {
    std::printf("%-24s %8lld tried %6lld accepted\n", kind.c_str(), static_cast<long long>(n.first),
                static_cast<long long>(n.second));
    tried += n.first;
    accepted += n.second;
  }
  std::printf("%zu golds, %zu kinds, %lld mutants, %lld accepted, %.1f s\n", golds.size(), counts.size(),
              static_cast<long long>(tried), static_cast<long long>(accepted), clock.seconds());
  return accepted == 0 ? 0 : 1;
}

}  // namespace
}  // namespace posttrain::mathcheck

int main(int count, char** arguments) {
  return posttrain::mathcheck::run(count - 1, arguments + 1);
}

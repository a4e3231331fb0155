// Words in an answer: connectors, numbers, units, conditions, and prose around a value.
#include <algorithm>

#include "base/letters.h"
#include "mathcheck/changers.h"
#include "mathcheck/chinese.h"
#include "mathcheck/normalize.h"
#include "mathcheck/parser_state.h"
#include "mathcheck/words.h"

namespace posttrain::mathcheck {

namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view space = " \x1f,.:;";
  const size_t begin = text.find_first_not_of(space);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(space) - begin + 1);
}

// Takes "and" or "or" off the front.
std::optional<Separator> leading_connector(std::string& words) {
  const size_t end = std::min(words.find(' '), words.size());
  const std::string first = lower_case(words.substr(0, end));
  if (!is_and(first) && !is_or(first)) return std::nullopt;
  words = trimmed(std::string_view(words).substr(end));
  return is_or(first) ? Separator::or_ : Separator::and_;
}

// The same off the back: "3 apples and".
std::optional<Separator> closing_connector(std::string& words) {
  const size_t space = words.rfind(' ');
  const std::string last = lower_case(space == std::string::npos ? words : words.substr(space + 1));
  if (!is_and(last) && !is_or(last)) return std::nullopt;
  words.resize(space == std::string::npos ? 0 : space);
  return is_or(last) ? Separator::or_ : Separator::and_;
}

}  // namespace

// The words and texts from here on as one string, with what belongs to units: "m/s", "cm^2".
std::string Parser::take_words() {
  std::string words;
  while (true) {
    const Token& t = token();
    if (t.type == Tok::word || t.type == Tok::text) {
      std::string_view part = t.text;
      if (part.starts_with('\\')) part.remove_prefix(1);
      if (!words.empty() && !words.ends_with('/')) words += ' ';
      for (const std::string_view sign : {"^{\\circ}", "^\\circ"}) {  // a degree sign inside a text
        const size_t found = part.find(sign);
        if (found == std::string_view::npos) continue;
        words += std::string(part.substr(0, found)) + "degree";
        part.remove_prefix(found + sign.size());
      }
      words += part;
      const size_t last = part.find_last_not_of(" \x1f");
      words_end_in_colon_ =
          last != std::string_view::npos && (part[last] == ':' || part.substr(0, last + 1).ends_with("："));
      ++at_;
      if (trimmed(part).empty()) continue;
      const std::string small = lower_case(trimmed(part));
      if (is_and(small) || is_or(small)) break;
    } else if (t.type == Tok::slash && !words.empty() && (token(1).type == Tok::word || token(1).type == Tok::text)) {
      words += '/';
      ++at_;
    } else if (t.type == Tok::times && !words.empty() && (token(1).type == Tok::word || token(1).type == Tok::text)) {
      ++at_;  // kg \cdot m
    } else if (t.type == Tok::caret && !words.empty() && words != "e" && words != "i") {
      const bool group = token(1).type == Tok::open;
      const bool minus = token(group ? 2 : 1).type == Tok::minus;
      const size_t figure = (group ? 2u : 1u) + (minus ? 1u : 0u);
      if (token(figure).type != Tok::number || (group && token(figure + 1).type != Tok::close)) break;
      words += (minus ? "^-" : "^") + std::string(token(figure).text);
      at_ += figure + (group ? 2 : 1);
    } else {
      break;
    }
  }
  return std::string(trimmed(words));
}

bool Parser::value_follows() const {
  switch (token().type) {
    case Tok::number:
    case Tok::symbol:
    case Tok::frac:
    case Tok::sqrt:
    case Tok::pi:
    case Tok::infinity:
    case Tok::minus:
    case Tok::plus_minus:
    case Tok::open:
    case Tok::currency:
    case Tok::function:
    case Tok::bar:
    case Tok::binom:
    case Tok::empty_set:
    case Tok::number_set:
      return true;
    default:
      return false;
  }
}

void Parser::unit_behind(const Unit& unit) {
  tree_.units.push_back(unit);
  if (tree_.units.size() > 200) throw OverBudget{};
  if (is_noon(unit)) reduce(bind_ratio);
  postfix(Kind::quantity, static_cast<int>(tree_.units.size()) - 1);
}

namespace {

// "twelve percent": the longest beginning that is a number, and what stands behind it.
std::optional<std::pair<Rational, std::string>> leading_number(const std::string& words) {
  for (size_t end = words.rfind(' '); end != std::string::npos && end > 0; end = words.rfind(' ', end - 1)) {
    if (const auto number = number_from_words(std::string_view(words).substr(0, end)))
      return std::pair(*number, words.substr(end + 1));
  }
  return std::nullopt;
}

// A number in characters and the measure word behind it.
std::pair<std::optional<Rational>, std::string> chinese_amount(const std::string& words) {
  for (size_t end = words.size(); end >= 3; end -= 3) {
    const std::string rest = words.substr(end);
    if (rest.size() > 15) break;
    if (const auto number = number_from_chinese(std::string_view(words).substr(0, end)); number && !changes_value(rest))
      return {number, rest};
  }
  return {};
}

// "half of", "twice", "negative" before a value: what it is multiplied by.
std::optional<Rational> factor_before(const std::string& small) {
  if (among(small, {"negative", "minus", "负"})) return Rational(-1);
  if (among(small, {"positive", "plus", "正"})) return Rational(1);
  if (among(small, {"twice", "double"})) return Rational(2);
  if (among(small, {"thrice", "triple"})) return Rational(3);
  return small.ends_with(" of") ? number_from_words(std::string_view(small).substr(0, small.size() - 3)) : std::nullopt;
}

// "the sum of both is", "which equals": what follows is the value whatever was counted.
bool ends_in_copula(const std::string& small) {
  for (const std::string_view verb :
       {"is", "are", "was", "were", "be", "equals", "equal to", "gives", "obtain", "get", "是", "为", "等于"}) {
    if (small == verb || (small.ends_with(verb) && (verb[0] < 'a' || small[small.size() - verb.size() - 1] == ' ')))
      return true;
  }
  return false;
}

// Labels that name nothing: "Answer: 5".
bool is_plain_label(const std::string& small) {
  for (const std::string_view word : {"answer", "ans", "solution", "result", "value", "total", "答案"}) {
    if (small.ends_with(word)) return true;
  }
  return false;
}

// "all real numbers except"
bool all_reals_but(const std::string& words) {
  const std::string small = lower_case(words);
  return small.starts_with("all real") && (small.ends_with(" except") || small.ends_with(" but")) && small.size() < 40;
}

// "A and B", "red, white and blue": the parts; one where it is a single text.
std::vector<std::string> listed(const std::string& words) {
  std::vector<std::string> parts;
  std::string rest = words;
  for (size_t at = 0; at < rest.size();) {
    const std::string_view here = std::string_view(rest).substr(at);
    const size_t mark = here.starts_with(", and ") ? 6 : here.starts_with(" and ") ? 5 : here.starts_with(", ") ? 2 : 0;
    if (mark == 0) {
      ++at;
      continue;
    }
    parts.push_back(rest.substr(0, at));
    rest.erase(0, at + mark);
    at = 0;
  }
  parts.push_back(rest);
  for (const std::string& part : parts) {
    if (part.empty() || part.size() > 30 || denies(part) || hedges(part) || std::ranges::count(part, ' ') > 2)
      return {words};
  }
  return parts;
}

}  // namespace

// Words where a value is expected.
void Parser::operand_words() {
  std::string words = take_words();
  if (const auto connector = leading_connector(words)) {
    if (*connector == Separator::or_) frame().separator = Separator::or_;
  }
  const auto trailing = closing_connector(words);
  if (!words.empty() && is_condition(words)) {
    const size_t space = words.find(' ');
    words = space == std::string::npos ? "" : words.substr(space + 1);
  }
  if (words.empty()) return;
  const auto number = number_from_words(words);
  const std::string small = lower_case(words);
  const bool infinite = small == "infinity" || small == "positive infinity" || small == "negative infinity";
  if (number) {
    deliver(tree_.number(*number));
  } else if (infinite) {
    const int infinity = tree_.add(Kind::infinity);
    deliver(small[0] == 'n' ? tree_.add(Kind::neg, {infinity}) : infinity);
  } else if (all_reals_but(words) && value_follows()) {
    deliver(tree_.add(Kind::number_set, {}, 'R'));
    binary(Kind::set_difference, bind_set);
    return;
  } else if (!trailing && token().type != Tok::relation && value_follows()) {
    if (const auto factor = factor_before(small)) {  // half of 5, negative 5
      deliver(tree_.number(*factor));
      binary(Kind::mul, bind_mul);
      return;
    }
    const bool label = words_end_in_colon_ || ends_in_copula(small);
    if (label ? denies(words) || hedges(words) : changes_value(words)) throw NoParse{};
    if (words_end_in_colon_ && !is_plain_label(small)) {
      deliver(tree_.text(plain_words(words)));
      binary(Kind::relation, bind_relation, static_cast<uint8_t>(Relation::equal));
      return;
    }
    const auto unit = parse_unit(words);
    if (unit && unit->powers[static_cast<size_t>(Dimension::money)] == 1) {
      tree_.units.push_back(*unit);
      push_operator({.kind = Kind::quantity,
                     .binds = bind_neg + 1,
                     .op = static_cast<uint8_t>(tree_.units.size() - 1),
                     .prefix = true});
    }
    return;  // "the answer is", "area:"
  } else if (words.size() == 1 && is_letter(words[0])) {
    deliver(words == "e" ? tree_.add(Kind::euler) : words == "i" ? tree_.add(Kind::imaginary) : tree_.symbol(words));
  } else if (const auto [amount, measure] = chinese_amount(words); amount) {  // 五个
    deliver(tree_.number(*amount));
    words_behind(measure);
  } else if (const auto counted = leading_number(words); counted && !denies(words) && !hedges(words)) {
    deliver(tree_.number(counted->first));
    words_behind(counted->second);
  } else {
    const std::vector<std::string> parts = listed(words);
    for (size_t i = 0; i < parts.size(); ++i) {
      if (i > 0) separate(Separator::and_);
      const bool letter = parts[i].size() == 1 && is_letter(parts[i][0]);
      deliver(letter ? tree_.symbol(parts[i]) : tree_.text(plain_words(parts[i])));
    }
  }
  if (trailing) separate(*trailing);
}

// Words behind a value.
void Parser::operation_words() {
  std::string words = take_words();
  if (words.empty()) return;
  if (const auto connector = leading_connector(words)) {
    separate(*connector);
    if (words.empty()) return;
    if (const auto number = number_from_words(words))
      deliver(tree_.number(*number));
    else if (!value_follows() && token().type != Tok::relation)
      deliver(tree_.text(plain_words(words)));
    return;
  }
  const auto trailing = closing_connector(words);
  words_behind(words);
  if (trailing) separate(*trailing);
}

// Words behind a value, connectors off.
void Parser::words_behind(const std::string& words) {
  const std::string small = lower_case(words);
  const auto counted = leading_number(words);
  if (small == "percent" || small == "per cent" || small == "percents" || small == "pct" || small == "percentage") {
    postfix(Kind::percent);
  } else if (small == "degree" || small == "degrees" || small == "deg") {
    postfix(Kind::degree);
  } else if (const int half = half_day(words); half != 0) {
    unit_behind(noon_unit(half > 0));
  } else if (const auto unit = parse_unit(words)) {
    unit_behind(*unit);
  } else if (small == "to" && value_follows()) {
    binary(Kind::ratio, bind_ratio);
  } else if (small == "x" && value_follows()) {
    binary(Kind::mul, bind_mul);
  } else if (counted && !denies(words) && !hedges(words)) {  // 5 million dollars
    binary(Kind::mul, bind_mul);
    deliver(tree_.number(counted->first));
    words_behind(counted->second);
  } else if (is_condition(words)) {
    binary(Kind::given, bind_given);
    const size_t space = words.find(' ');
    if (space != std::string::npos && !value_follows()) deliver(tree_.text(plain_words(words.substr(space + 1))));
  } else if (const auto number = number_from_words(words)) {
    binary(Kind::mul, bind_mul);  // 5 million
    deliver(tree_.number(*number));
  } else if (small == "squared" || small == "cubed") {
    const int exponent = tree_.number(Rational(small == "squared" ? 2 : 3));
    push_value(tree_.add(Kind::pow, {pop(), exponent}));
  } else if (const auto part = parts_from_word(words)) {  // 5 halves
    binary(Kind::mul, bind_mul);
    deliver(tree_.number(*part));
  } else if (const auto divisor = small.starts_with("over ") ? number_from_words(small.substr(5)) : std::nullopt) {
    binary(Kind::div, bind_mul);
    deliver(tree_.number(*divisor));
  } else if (changes_value(words)) {
    reduce(bind_given);
    values_.push_back(tree_.add(Kind::phrase, {pop()}, 0, tree_.intern(plain_words(words))));
  } else {
    unit_behind(noun_unit(words));
  }
}

}  // namespace posttrain::mathcheck

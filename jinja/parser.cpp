#include "jinja/parser.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "base/error.h"

namespace posttrain::jinja {
namespace {

constexpr int kMaxNesting = 100;          // of brackets, blocks and unary signs
constexpr int kMaxExpressionDepth = 400;  // of one expression's tree

class Nesting {
 public:
  Nesting(int& count, const std::string& at) : count_(count) {
    if (++count_ > kMaxNesting) throw Error(at, "nested more than 100 deep");
  }
  ~Nesting() { --count_; }
  Nesting(const Nesting&) = delete;
  Nesting& operator=(const Nesting&) = delete;

 private:
  int& count_;
};

std::string describe(const Token& token) {
  switch (token.kind) {
    case Token::Kind::end:
      return "the end of the template";
    case Token::Kind::block_end:
      return "'%}'";
    case Token::Kind::output_end:
      return "'}}'";
    case Token::Kind::text:
    case Token::Kind::output_begin:
    case Token::Kind::block_begin:
      return "template text";
    default:
      return "'" + token.text.substr(0, 60) + "'";
  }
}

}  // namespace

void Parser::fail(const std::string& expected) const {
  throw Error(place_text(where_, next().place), "", expected, describe(next()));
}
void Parser::fail_at(const Place& place, const std::string& message) const {
  throw Error(place_text(where_, place), message);
}

bool Parser::take_sign(std::string_view text) {
  if (!is_sign(text)) return false;
  ++at_;
  return true;
}
bool Parser::take_name(std::string_view text) {
  if (!is_name(text)) return false;
  ++at_;
  return true;
}
void Parser::expect_sign(std::string_view text) {
  if (!take_sign(text)) fail("'" + std::string(text) + "'");
}
void Parser::expect_name(std::string_view text) {
  if (!take_name(text)) fail("'" + std::string(text) + "'");
}
void Parser::expect(Token::Kind kind, const char* what) {
  if (next().kind != kind) fail(what);
  ++at_;
}
std::string Parser::name(const char* what) {
  if (next().kind != Token::Kind::name) fail(what);
  return tokens_[at_++].text;
}

ExpressionPtr Parser::make(Expression::Kind kind, const Place& place, std::string text) {
  return std::make_unique<Expression>(Expression{.kind = kind, .place = place, .text = std::move(text)});
}

void Parser::adopt(Expression& parent, ExpressionPtr child) {
  if (child) parent.depth = std::max(parent.depth, child->depth + 1);
  if (parent.depth > kMaxExpressionDepth) fail_at(parent.place, "an expression of more than 400 levels");
  parent.children.push_back(std::move(child));
}

ExpressionPtr Parser::binary(std::string sign, ExpressionPtr left, ExpressionPtr right, const Place& place) {
  auto node = make(Expression::Kind::binary, place, std::move(sign));
  adopt(*node, std::move(left));
  adopt(*node, std::move(right));
  return node;
}

ExpressionPtr Parser::expression() {
  const Nesting nesting(nesting_, place_text(where_, next().place));
  return conditional();
}

ExpressionPtr Parser::conditional() {
  ExpressionPtr value = disjunction();
  while (is_name("if")) {
    auto node = make(Expression::Kind::conditional, next().place);
    ++at_;
    adopt(*node, disjunction());
    adopt(*node, std::move(value));
    adopt(*node, take_name("else") ? expression() : nullptr);
    value = std::move(node);
  }
  return value;
}

ExpressionPtr Parser::disjunction() {
  ExpressionPtr left = conjunction();
  while (is_name("or")) {
    const Place place = tokens_[at_++].place;
    left = binary("or", std::move(left), conjunction(), place);
  }
  return left;
}

ExpressionPtr Parser::conjunction() {
  ExpressionPtr left = negation();
  while (is_name("and")) {
    const Place place = tokens_[at_++].place;
    left = binary("and", std::move(left), negation(), place);
  }
  return left;
}

ExpressionPtr Parser::negation() {
  if (!is_name("not")) return comparison();
  const Nesting nesting(nesting_, place_text(where_, next().place));
  auto node = make(Expression::Kind::unary, next().place, "not");
  ++at_;
  adopt(*node, negation());
  return node;
}

// "==", "in", "not in" and so on; "" when none comes next.
std::string Parser::take_comparison_sign() {
  static constexpr std::string_view kSigns[] = {"==", "!=", "<", ">", "<=", ">="};
  if (next().kind == Token::Kind::sign && std::ranges::find(kSigns, next().text) != std::end(kSigns)) {
    return tokens_[at_++].text;
  }
  if (take_name("in")) return "in";
  if (is_name("not") && tokens_[at_ + 1].kind == Token::Kind::name && tokens_[at_ + 1].text == "in") {
    at_ += 2;
    return "not in";
  }
  return "";
}

ExpressionPtr Parser::comparison() {
  ExpressionPtr left = sum();
  const Place place = next().place;
  std::string sign = take_comparison_sign();
  if (sign.empty()) return left;
  auto node = make(Expression::Kind::comparison, place);
  adopt(*node, std::move(left));
  for (; !sign.empty(); sign = take_comparison_sign()) {
    node->operators.push_back(sign);
    adopt(*node, sum());
  }
  return node;
}

ExpressionPtr Parser::sum() {
  ExpressionPtr left = concatenation();
  while (is_sign("+") || is_sign("-")) {
    const Token sign = tokens_[at_++];
    left = binary(sign.text, std::move(left), concatenation(), sign.place);
  }
  return left;
}

ExpressionPtr Parser::concatenation() {
  ExpressionPtr left = product();
  while (is_sign("~")) {
    const Place place = tokens_[at_++].place;
    left = binary("~", std::move(left), product(), place);
  }
  return left;
}

ExpressionPtr Parser::product() {
  ExpressionPtr left = power();
  while (is_sign("*") || is_sign("/") || is_sign("//") || is_sign("%")) {
    const Token sign = tokens_[at_++];
    left = binary(sign.text, std::move(left), power(), sign.place);
  }
  return left;
}

ExpressionPtr Parser::power() {
  ExpressionPtr left = unary(true);
  while (is_sign("**")) {
    const Place place = tokens_[at_++].place;
    left = binary("**", std::move(left), unary(true), place);
  }
  return left;
}

ExpressionPtr Parser::unary(bool with_filters) {
  ExpressionPtr node;
  if (is_sign("-") || is_sign("+")) {
    const Nesting nesting(nesting_, place_text(where_, next().place));
    node = make(Expression::Kind::unary, next().place, next().text);
    ++at_;
    adopt(*node, unary(false));
  } else {
    node = primary();
  }
  node = postfix(std::move(node));
  return with_filters ? filters_and_tests(std::move(node)) : std::move(node);
}

ExpressionPtr Parser::primary() {
  const Token& token = next();
  auto node = make(Expression::Kind::constant, token.place);
  switch (token.kind) {
    case Token::Kind::name:
      ++at_;
      if (token.text == "true" || token.text == "True") {
        node->value = true;
      } else if (token.text == "false" || token.text == "False") {
        node->value = false;
      } else if (token.text == "none" || token.text == "None") {
        node->value = None{};
      } else {
        node->kind = Expression::Kind::name;
        node->text = token.text;
      }
      return node;
    case Token::Kind::string: {
      std::string text;
      while (next().kind == Token::Kind::string) text += tokens_[at_++].text;  // neighbours are joined
      node->value = Value(std::move(text));
      return node;
    }
    case Token::Kind::integer: {
      int64_t value = 0;
      const auto result = std::from_chars(token.text.data(), token.text.data() + token.text.size(), value);
      if (result.ec != std::errc()) fail("an integer below 2^63");
      ++at_;
      node->value = value;
      return node;
    }
    case Token::Kind::number:
      ++at_;
      node->value = std::strtod(token.text.c_str(), nullptr);
      return node;
    case Token::Kind::sign:
      if (take_sign("(")) return items_until(")", Expression::Kind::tuple);
      if (take_sign("[")) return items_until("]", Expression::Kind::list);
      if (take_sign("{")) return dict_literal();
      break;
    default:
      break;
  }
  fail("an expression");
}

// Behind "(" or "[": one value in round brackets without a comma is that value.
ExpressionPtr Parser::items_until(std::string_view close, Expression::Kind kind) {
  auto node = make(kind, next().place);
  bool comma = false;
  while (!take_sign(close)) {
    adopt(*node, expression());
    const bool more = take_sign(",");
    comma = comma || more;
    if (more) continue;
    expect_sign(close);
    break;
  }
  if (kind == Expression::Kind::tuple && !comma && node->children.size() == 1) return std::move(node->children[0]);
  return node;
}

ExpressionPtr Parser::tuple_or_one() {
  const Place place = next().place;
  ExpressionPtr first = expression();
  if (!is_sign(",")) return first;
  auto node = make(Expression::Kind::tuple, place);
  adopt(*node, std::move(first));
  while (take_sign(",")) {
    if (next().kind == Token::Kind::block_end || next().kind == Token::Kind::output_end) break;
    adopt(*node, expression());
  }
  return node;
}

ExpressionPtr Parser::dict_literal() {
  auto node = make(Expression::Kind::dict, next().place);
  while (!take_sign("}")) {
    adopt(*node, expression());
    expect_sign(":");
    adopt(*node, expression());
    if (take_sign(",")) continue;
    expect_sign("}");
    break;
  }
  return node;
}

ExpressionPtr Parser::postfix(ExpressionPtr of) {
  while (true) {
    const Place place = next().place;
    if (take_sign(".")) {
      ExpressionPtr node;
      if (next().kind == Token::Kind::integer) {
        node = make(Expression::Kind::subscript, place);
        adopt(*node, std::move(of));
        adopt(*node, primary());
      } else {
        node = make(Expression::Kind::attribute, place, name("a name behind '.'"));
        adopt(*node, std::move(of));
      }
      of = std::move(node);
    } else if (take_sign("[")) {
      of = subscript(std::move(of));
    } else if (take_sign("(")) {
      auto node = make(Expression::Kind::call, place);
      adopt(*node, std::move(of));
      arguments(*node);
      of = std::move(node);
    } else {
      return of;
    }
  }
}

ExpressionPtr Parser::subscript(ExpressionPtr of) {
  const Place place = next().place;
  ExpressionPtr parts[3];
  size_t colons = 0;
  while (!is_sign("]")) {
    if (take_sign(":")) {
      if (++colons > 2) fail("']'");
    } else if (parts[colons]) {
      fail("']'");
    } else {
      parts[colons] = expression();
    }
  }
  expect_sign("]");
  auto node = make(colons > 0 ? Expression::Kind::slice : Expression::Kind::subscript, place);
  if (colons == 0 && !parts[0]) fail_at(place, "expected an index");
  adopt(*node, std::move(of));
  adopt(*node, std::move(parts[0]));
  if (colons > 0) {
    adopt(*node, std::move(parts[1]));
    adopt(*node, std::move(parts[2]));
  }
  return node;
}

ExpressionPtr Parser::filters_and_tests(ExpressionPtr of) {
  while (true) {
    if (is_sign("|")) {
      of = filter_chain(std::move(of));
    } else if (is_name("is")) {
      of = test(std::move(of));
    } else if (is_sign("(")) {
      of = postfix(std::move(of));
    } else {
      return of;
    }
  }
}

ExpressionPtr Parser::filter_chain(ExpressionPtr of) {
  while (take_sign("|")) {
    auto node = make(Expression::Kind::filter, next().place, name("a filter"));
    while (take_sign(".")) node->text += "." + name("a filter");
    adopt(*node, std::move(of));
    if (take_sign("(")) arguments(*node);
    of = std::move(node);
  }
  return of;
}

ExpressionPtr Parser::test(ExpressionPtr of) {
  expect_name("is");
  const bool negated = take_name("not");
  auto node = make(Expression::Kind::test, next().place, name("a test"));
  adopt(*node, std::move(of));
  const Token& token = next();
  const bool is_word = token.kind == Token::Kind::name && token.text != "else" && token.text != "or" &&
                       token.text != "and" && token.text != "if" && token.text != "is" && token.text != "in" &&
                       token.text != "not";
  if (take_sign("(")) {
    arguments(*node);
  } else if (is_word || token.kind == Token::Kind::string || token.kind == Token::Kind::integer ||
             token.kind == Token::Kind::number || is_sign("[") || is_sign("{")) {
    node->arguments.positional.push_back(postfix(primary()));
  }
  if (!negated) return node;
  auto outer = make(Expression::Kind::unary, node->place, "not");
  adopt(*outer, std::move(node));
  return outer;
}

void Parser::arguments(Expression& of) {
  Arguments& list = of.arguments;
  const auto one = [&] {
    ExpressionPtr argument = expression();
    of.depth = std::max(of.depth, argument->depth + 1);
    if (of.depth > kMaxExpressionDepth) fail_at(of.place, "an expression of more than 400 levels");
    return argument;
  };
  while (!take_sign(")")) {
    if (take_sign("**")) {
      list.unpacked_named = one();
    } else if (take_sign("*")) {
      list.unpacked = one();
    } else if (next().kind == Token::Kind::name && tokens_[at_ + 1].kind == Token::Kind::sign &&
               tokens_[at_ + 1].text == "=") {
      std::string key = name("a name");
      expect_sign("=");
      list.named.emplace_back(std::move(key), one());
    } else {
      list.positional.push_back(one());
    }
    if (take_sign(",")) continue;
    expect_sign(")");
    break;
  }
}

}  // namespace posttrain::jinja

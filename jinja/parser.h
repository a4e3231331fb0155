// Builds a template's tree from its tokens: expressions in parser.cpp, statements in statements.cpp.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "jinja/ast.h"
#include "jinja/lexer.h"

namespace posttrain::jinja {

// Throws Error("<where>:<line>:<column>", ...) for what is no template, and for what no chat template may use
// (include, extends, import).
Block parse_template(std::string_view source, const std::string& where);

class Parser {
 public:
  Parser(std::vector<Token> tokens, std::string where) : tokens_(std::move(tokens)), where_(std::move(where)) {}

  Block parse();
  ExpressionPtr expression();

 private:
  // ---- statements
  // Up to one of the `ends`, whose name is left as the next token.
  Block body(std::initializer_list<std::string_view> ends);
  void statement(Block& block);
  void for_statement(Block& block);
  void if_statement(Block& block);
  void set_statement(Block& block);
  void macro_statement(Block& block);
  void call_statement(Block& block);
  void filter_statement(Block& block);
  void with_statement(Block& block);
  void generation_statement(Block& block);
  std::vector<Parameter> parameters();
  std::vector<std::string> targets();
  Block body_to(std::string_view end);  // and past "{% end %}"

  // ---- expressions, loosest first
  ExpressionPtr conditional();
  ExpressionPtr disjunction();
  ExpressionPtr conjunction();
  ExpressionPtr negation();
  ExpressionPtr comparison();
  std::string take_comparison_sign();
  ExpressionPtr sum();
  ExpressionPtr concatenation();
  ExpressionPtr product();
  ExpressionPtr power();
  ExpressionPtr unary(bool with_filters);
  ExpressionPtr primary();
  ExpressionPtr postfix(ExpressionPtr of);
  ExpressionPtr filters_and_tests(ExpressionPtr of);
  ExpressionPtr filter_chain(ExpressionPtr of);
  ExpressionPtr test(ExpressionPtr of);
  ExpressionPtr subscript(ExpressionPtr of);
  ExpressionPtr tuple_or_one();  // "a, b" without brackets
  ExpressionPtr items_until(std::string_view close, Expression::Kind kind);
  ExpressionPtr dict_literal();
  void arguments(Expression& of);  // behind "("

  // ---- tokens
  const Token& next() const { return tokens_[at_]; }
  bool is_sign(std::string_view text) const { return next().kind == Token::Kind::sign && next().text == text; }
  bool is_name(std::string_view text) const { return next().kind == Token::Kind::name && next().text == text; }
  bool take_sign(std::string_view text);
  bool take_name(std::string_view text);
  void expect_sign(std::string_view text);
  void expect_name(std::string_view text);
  void expect(Token::Kind kind, const char* what);
  std::string name(const char* what);
  [[noreturn]] void fail(const std::string& expected) const;
  [[noreturn]] void fail_at(const Place& place, const std::string& message) const;

  ExpressionPtr make(Expression::Kind kind, const Place& place, std::string text = {});
  void adopt(Expression& parent, ExpressionPtr child);
  ExpressionPtr binary(std::string sign, ExpressionPtr left, ExpressionPtr right, const Place& place);

  std::vector<Token> tokens_;
  std::string where_;
  size_t at_ = 0;
  int nesting_ = 0;
  int loops_ = 0;
};

}  // namespace posttrain::jinja

#include <algorithm>

#include "base/error.h"
#include "jinja/parser.h"

namespace posttrain::jinja {
namespace {

std::unique_ptr<Statement> make_statement(Statement::Kind kind, const Place& place) {
  return std::make_unique<Statement>(Statement{.kind = kind, .place = place});
}

}  // namespace

Block parse_template(std::string_view source, const std::string& where) {
  return Parser(tokenize_template(source, where), where).parse();
}

Block Parser::parse() {
  Block block = body({});
  if (next().kind != Token::Kind::end) fail("a statement");
  return block;
}

Block Parser::body(std::initializer_list<std::string_view> ends) {
  if (++nesting_ > 100) fail_at(next().place, "nested more than 100 deep");
  Block block;
  while (next().kind != Token::Kind::end) {
    const Token& token = tokens_[at_++];
    if (token.kind == Token::Kind::text) {
      auto text = make_statement(Statement::Kind::text, token.place);
      text->text = token.text;
      block.push_back(std::move(text));
    } else if (token.kind == Token::Kind::output_begin) {
      auto output = make_statement(Statement::Kind::output, token.place);
      output->expressions.push_back(tuple_or_one());
      expect(Token::Kind::output_end, "'}}'");
      block.push_back(std::move(output));
    } else {
      if (std::ranges::any_of(ends, [&](std::string_view end) { return is_name(end); })) {
        --nesting_;
        return block;
      }
      statement(block);
    }
  }
  if (ends.size() > 0) fail("'" + std::string(*(ends.end() - 1)) + "'");
  --nesting_;
  return block;
}

Block Parser::body_to(std::string_view end) {
  expect(Token::Kind::block_end, "'%}'");
  Block block = body({end});
  expect_name(end);
  return block;
}

void Parser::statement(Block& block) {
  const Token token = next();
  const std::string keyword = name("a statement");
  if (keyword == "for") {
    for_statement(block);
  } else if (keyword == "if") {
    if_statement(block);
  } else if (keyword == "set") {
    set_statement(block);
  } else if (keyword == "macro") {
    macro_statement(block);
  } else if (keyword == "call") {
    call_statement(block);
  } else if (keyword == "filter") {
    filter_statement(block);
  } else if (keyword == "with") {
    with_statement(block);
  } else if (keyword == "generation") {
    generation_statement(block);
  } else if (keyword == "break" || keyword == "continue") {
    if (loops_ == 0) fail_at(token.place, "'" + keyword + "' outside of a loop");
    block.push_back(
        make_statement(keyword == "break" ? Statement::Kind::break_loop : Statement::Kind::continue_loop, token.place));
  } else {
    fail_at(token.place, "unknown statement '" + keyword + "'");
  }
  block.back()->place = token.place;
  expect(Token::Kind::block_end, "'%}'");
}

std::vector<std::string> Parser::targets() {
  std::vector<std::string> names;
  const bool bracket = take_sign("(");
  do {
    if (!names.empty() && next().kind != Token::Kind::name) break;
    names.push_back(name("a name"));
  } while (take_sign(","));
  if (bracket) expect_sign(")");
  return names;
}

void Parser::for_statement(Block& block) {
  auto loop = make_statement(Statement::Kind::loop, next().place);
  loop->targets = targets();
  expect_name("in");
  // Without the conditional form: its "if" is the loop's.
  ExpressionPtr over = disjunction();
  if (is_sign(",")) {
    auto tuple = make(Expression::Kind::tuple, over->place);
    adopt(*tuple, std::move(over));
    while (take_sign(",")) adopt(*tuple, disjunction());
    over = std::move(tuple);
  }
  loop->expressions.push_back(std::move(over));
  loop->expressions.push_back(take_name("if") ? expression() : nullptr);
  loop->recursive = take_name("recursive");
  expect(Token::Kind::block_end, "'%}'");
  ++loops_;
  loop->bodies.push_back(body({"else", "endfor"}));
  --loops_;
  if (take_name("else")) {
    loop->bodies.push_back(body_to("endfor"));
  } else {
    expect_name("endfor");
    loop->bodies.emplace_back();
  }
  block.push_back(std::move(loop));
}

void Parser::if_statement(Block& block) {
  auto branches = make_statement(Statement::Kind::branches, next().place);
  while (true) {
    branches->expressions.push_back(tuple_or_one());
    expect(Token::Kind::block_end, "'%}'");
    branches->bodies.push_back(body({"elif", "else", "endif"}));
    if (take_name("elif")) continue;
    if (take_name("else")) {
      branches->bodies.push_back(body_to("endif"));
    } else {
      expect_name("endif");
    }
    break;
  }
  block.push_back(std::move(branches));
}

void Parser::set_statement(Block& block) {
  auto assign = make_statement(Statement::Kind::assign, next().place);
  assign->targets = targets();
  if (assign->targets.size() == 1 && take_sign(".")) {
    assign->text = assign->targets[0];
    assign->attribute = name("a name behind '.'");
    assign->targets.clear();
  }
  if (take_sign("=")) {
    assign->expressions.push_back(tuple_or_one());
  } else {
    if (assign->targets.size() != 1) fail("'='");
    assign->kind = Statement::Kind::capture;
    assign->expressions.push_back(is_sign("|") ? filter_chain(nullptr) : nullptr);
    assign->bodies.push_back(body_to("endset"));
  }
  block.push_back(std::move(assign));
}

std::vector<Parameter> Parser::parameters() {
  std::vector<Parameter> list;
  expect_sign("(");
  while (!take_sign(")")) {
    Parameter parameter{name("a parameter"), nullptr};
    if (take_sign("=")) parameter.fallback = expression();
    list.push_back(std::move(parameter));
    if (take_sign(",")) continue;
    expect_sign(")");
    break;
  }
  return list;
}

void Parser::macro_statement(Block& block) {
  auto macro = make_statement(Statement::Kind::macro, next().place);
  macro->text = name("a name");
  macro->parameters = parameters();
  const int outer_loops = std::exchange(loops_, 0);
  macro->bodies.push_back(body_to("endmacro"));
  loops_ = outer_loops;
  if (next().kind == Token::Kind::name) ++at_;  // {% endmacro name %}
  block.push_back(std::move(macro));
}

void Parser::call_statement(Block& block) {
  auto call = make_statement(Statement::Kind::call_block, next().place);
  if (is_sign("(")) call->parameters = parameters();
  call->expressions.push_back(expression());
  if (call->expressions[0]->kind != Expression::Kind::call) fail("a call");
  const int outer_loops = std::exchange(loops_, 0);
  call->bodies.push_back(body_to("endcall"));
  loops_ = outer_loops;
  block.push_back(std::move(call));
}

void Parser::filter_statement(Block& block) {
  auto filter = make_statement(Statement::Kind::filter, next().place);
  auto chain = make(Expression::Kind::filter, next().place, name("a filter"));
  chain->children.push_back(nullptr);
  if (take_sign("(")) arguments(*chain);
  filter->expressions.push_back(filter_chain(std::move(chain)));
  filter->bodies.push_back(body_to("endfilter"));
  block.push_back(std::move(filter));
}

void Parser::with_statement(Block& block) {
  auto with = make_statement(Statement::Kind::with, next().place);
  while (next().kind != Token::Kind::block_end) {
    if (!with->targets.empty()) expect_sign(",");
    with->targets.push_back(name("a name"));
    expect_sign("=");
    with->expressions.push_back(expression());
  }
  with->bodies.push_back(body_to("endwith"));
  block.push_back(std::move(with));
}

void Parser::generation_statement(Block& block) {
  auto generation = make_statement(Statement::Kind::generation, next().place);
  generation->bodies.push_back(body_to("endgeneration"));
  block.push_back(std::move(generation));
}

}  // namespace posttrain::jinja

#include "mathcheck/parser.h"

#include <algorithm>

#include "base/letters.h"
#include "mathcheck/normalize.h"
#include "mathcheck/parser_state.h"

namespace posttrain::mathcheck {

int Parser::run() {
  frames_.push_back({});
  while (token().type != Tok::end) {
    budget_.spend(20);
    if (want_operand_)
      operand();
    else
      operation();
  }
  while (frames_.size() > 1) close_frame(frame().bracket);
  if (wants_argument()) throw NoParse{};
  const int root = gather(Bracket::group);
  if (root < 0) throw NoParse{};
  return root;
}

namespace {

bool accepts(Bracket open, Bracket closing) {
  const auto one_of = [&](Bracket a, Bracket b) { return (open == a || open == b) && (closing == a || closing == b); };
  return open == closing || one_of(Bracket::round, Bracket::square) || one_of(Bracket::curly, Bracket::group);
}

}  // namespace

// Closes the nearest frame that this bracket fits, and what was left open inside it; a stray bracket is passed over.
void Parser::close(Bracket closing) {
  size_t fit = frames_.size() - 1;
  while (fit > 0 && !accepts(frames_[fit].bracket, closing)) {
    const Bracket crossed = frames_[fit].bracket;
    if (closing != Bracket::group && closing != Bracket::matrix &&
        (crossed == Bracket::group || crossed == Bracket::matrix))
      return;
    --fit;
  }
  if (fit == 0) return;
  while (frames_.size() > fit + 1) close_frame(frame().bracket);
  close_frame(closing);
}

bool Parser::bar_follows() const {
  for (size_t ahead = 1; ahead < 60; ++ahead) {
    const Token& next = token(ahead);
    if (next.type == Tok::bar) return true;
    if (next.type == Tok::end || next.type == Tok::comma) return false;
  }
  return false;
}

// A comma at the end of a cell, as in piecewise definitions.
bool Parser::ends_cell() const {
  if (frames_.back().bracket != Bracket::matrix) return false;
  const Tok next = token().type;
  return next == Tok::cell || next == Tok::row || next == Tok::close || next == Tok::end;
}

// \angle ABC and \triangle ABC, whose letters are the names of points, where they follow.
void Parser::figure(std::string_view kind) {
  std::string points;
  while (points.size() < 4 && token(points.size()).type == Tok::symbol && token(points.size()).text.size() == 1 &&
         is_capital(token(points.size()).text[0]))
    points += token(points.size()).text;
  if (points.size() != 3) return;
  at_ += points.size();
  if (kind != "triangle" && points.front() > points.back()) std::swap(points.front(), points.back());
  deliver(tree_.symbol(std::string(kind == "triangle" ? "triangle " : "angle ") + points));
}

// A token where a value is expected.
void Parser::operand() {
  const Token& t = token();
  ++at_;
  switch (t.type) {
    case Tok::number:
      deliver(tree_.number(tokens_.literals[static_cast<size_t>(t.literal)]));
      return;
    case Tok::symbol: {
      std::string_view name = t.text;
      if (name.starts_with('\\')) name.remove_prefix(1);
      if (name == "angle" || name == "triangle" || name == "measuredangle") {
        figure(name);
        return;
      }
      if (name == "e")
        deliver(tree_.add(Kind::euler));
      else if (name == "i")
        deliver(tree_.add(Kind::imaginary));
      else
        deliver(tree_.symbol(name == "varphi" ? "phi" : name == "varepsilon" ? "epsilon" : name));
      return;
    }
    case Tok::word:
    case Tok::text:
      --at_;
      operand_words();
      return;
    case Tok::open:
      if (static_cast<Bracket>(t.op) == Bracket::group && token().type == Tok::close && token().op == t.op) {
        if (wants_argument()) {  // 8^{} is 8
          if (pending_.back().command != Tok::caret && pending_.back().command != Tok::underscore) throw NoParse{};
          if (waiting() != nullptr) throw NoParse{};
          pending_.pop_back();
          want_operand_ = false;
        }
        ++at_;
        return;
      }
      open_frame(static_cast<Bracket>(t.op));
      frame().determinant = t.text == "vmatrix";
      return;
    case Tok::close:
      // ]a, b[
      if (static_cast<Bracket>(t.op) == Bracket::square && frame().bracket == Bracket::group && !frame().item) {
        open_frame(Bracket::square, true);
        return;
      }
      if (static_cast<Bracket>(t.op) == Bracket::curly && frame().bracket == Bracket::curly && !frame().item &&
          operators_.size() == frame().operators) {
        close(Bracket::curly);
        return;
      }
      if (wants_argument()) throw NoParse{};
      close(static_cast<Bracket>(t.op));
      return;
    case Tok::bar:
      open_frame(Bracket::abs);
      frame().double_bar = t.text == "||";
      return;
    case Tok::comma:
    case Tok::semicolon:
      if (ends_cell()) return;
      separate(Separator::comma);
      return;
    case Tok::plus:
      return;
    case Tok::minus:
      if (wants_argument() && pending_.back().command == Tok::caret)
        pending_.back().negative = !pending_.back().negative;
      else
        push_operator({.kind = Kind::neg, .binds = bind_neg, .prefix = true});
      return;
    case Tok::plus_minus:
      push_operator({.kind = Kind::plus_minus, .binds = bind_neg, .prefix = true});
      return;
    case Tok::minus_plus:
      push_operator({.kind = Kind::minus_plus, .binds = bind_neg, .prefix = true});
      return;
    case Tok::relation: {
      const auto relation = static_cast<Relation>(t.op);
      const bool leads = relation == Relation::equal || relation == Relation::approx || relation == Relation::other;
      if (!frame().item && leads && !wants_argument()) return;
      throw NoParse{};
    }
    case Tok::colon:
      return;
    case Tok::function: {
      push_operator({.kind = Kind::function, .binds = bind_function, .op = t.op, .prefix = true, .waiting = true});
      if (t.text.ends_with("lg")) operators_.back().base = tree_.number(Rational(10));
      return;
    }
    case Tok::sum:
    case Tok::product:
      push_operator(
          {.kind = t.type == Tok::sum ? Kind::sum : Kind::product, .binds = bind_big, .prefix = true, .waiting = true});
      return;
    case Tok::caret:
    case Tok::underscore:
      if (waiting() == nullptr) throw NoParse{};
      start_command(t.type, 1);
      return;
    case Tok::frac:
    case Tok::binom:
      start_command(t.type, 2);
      return;
    case Tok::overline:
    case Tok::accent:
      start_command(t.type, 1);
      return;
    case Tok::sqrt: {
      start_command(t.type, 1);
      const bool index = token().type == Tok::open && static_cast<Bracket>(token().op) == Bracket::square &&
                         token(2).type == Tok::close;
      if (!index) return;
      if (token(1).type == Tok::number)
        pending_.back().index = tree_.number(tokens_.literals[static_cast<size_t>(token(1).literal)]);
      else if (token(1).type == Tok::symbol)
        pending_.back().index = tree_.symbol(token(1).text);
      else
        throw NoParse{};
      at_ += 3;
      return;
    }
    case Tok::infinity:
      deliver(tree_.add(Kind::infinity));
      return;
    case Tok::pi:
      deliver(tree_.add(Kind::pi));
      return;
    case Tok::empty_set:
      deliver(tree_.add(Kind::empty_set));
      return;
    case Tok::number_set:
      deliver(tree_.add(Kind::number_set, {}, t.op != 0 ? t.op : static_cast<uint8_t>(t.text[0])));
      return;
    case Tok::degree:
      deliver(tree_.symbol("°"));
      return;
    case Tok::prime:
      deliver(tree_.symbol("'"));
      return;
    case Tok::dots:
      deliver(tree_.symbol("..."));
      return;
    case Tok::currency: {
      const auto unit = parse_unit(t.text.starts_with('\\') ? t.text.substr(1) : t.text);
      if (!unit) throw NoParse{};
      tree_.units.push_back(*unit);
      if (tree_.units.size() > 200) throw OverBudget{};
      push_operator({.kind = Kind::quantity,
                     .binds = bind_neg + 1,
                     .op = static_cast<uint8_t>(tree_.units.size() - 1),
                     .prefix = true});
      return;
    }
    case Tok::cell:
    case Tok::row:
      next_cell(t.type == Tok::row);
      return;
    default:
      throw NoParse{};
  }
}

// A token behind a value.
void Parser::operation() {
  const Token& t = token();
  switch (t.type) {
    case Tok::word:
    case Tok::text:
      operation_words();
      return;
    case Tok::open:
      if (static_cast<Bracket>(t.op) == Bracket::square && frame().bracket == Bracket::square && frame().separated) {
        ++at_;
        close(Bracket::round);  // [a, b[
        return;
      }
      if (static_cast<Bracket>(t.op) == Bracket::group && token(1).type == Tok::close && token(1).op == t.op) {
        at_ += 2;
        return;
      }
      implicit_product();
      return;
    case Tok::symbol:
      // 4.2 x 10^5
      if (t.text == "x" && tree_.kind(values_.back()) == Kind::number && token(1).type == Tok::number &&
          token(1).text == "10" && token(2).type == Tok::caret) {
        ++at_;
        binary(Kind::mul, bind_mul);
        return;
      }
      // 25^\circ C
      if ((t.text == "C" || t.text == "F") && tree_.kind(values_.back()) == Kind::degree) {
        ++at_;
        values_.back() = tree_.kid(values_.back(), 0);
        unit_behind(*parse_unit(t.text));
        return;
      }
      implicit_product();
      return;
    case Tok::number:
    case Tok::function:
    case Tok::frac:
    case Tok::sqrt:
    case Tok::binom:
    case Tok::overline:
    case Tok::accent:
    case Tok::sum:
    case Tok::product:
    case Tok::infinity:
    case Tok::pi:
    case Tok::empty_set:
    case Tok::number_set:
      implicit_product();
      return;
    default:
      break;
  }
  ++at_;
  switch (t.type) {
    case Tok::close:
      close(static_cast<Bracket>(t.op));
      return;
    case Tok::bar:
      if (frame().bracket == Bracket::abs) {
        const bool two = t.text == "||" && !frame().double_bar && token().type != Tok::end;  // |x||y|
        close_frame(Bracket::abs);
        if (!two) return;
        binary(Kind::mul, bind_mul, 1);
        open_frame(Bracket::abs);
        return;
      }
      if (frame().bracket == Bracket::curly ||
          (frame().bracket == Bracket::round && (--at_, !bar_follows()) && ++at_)) {
        binary(Kind::given, bind_given);
        return;
      }
      if (frame().bracket == Bracket::round) ++at_;
      implicit_product();
      open_frame(Bracket::abs);
      return;
    case Tok::given:
      binary(Kind::given, bind_given);
      return;
    case Tok::colon:
      if (frame().bracket == Bracket::curly)
        binary(Kind::given, bind_given);
      else
        binary(Kind::ratio, bind_ratio);
      return;
    case Tok::comma:
    case Tok::semicolon:
      if (ends_cell()) return;
      separate(Separator::comma);
      return;
    case Tok::cell:
    case Tok::row:
      next_cell(t.type == Tok::row);
      return;
    case Tok::plus:
      binary(Kind::add, bind_add);
      return;
    case Tok::minus:
      binary(Kind::sub, bind_add);
      return;
    case Tok::plus_minus:
      binary(Kind::plus_minus, bind_add);
      return;
    case Tok::minus_plus:
      binary(Kind::minus_plus, bind_add);
      return;
    case Tok::times:
      binary(Kind::mul, bind_mul);
      return;
    case Tok::slash:
      binary(Kind::div, t.text == "\\over" ? bind_given + 1 : bind_mul);
      return;
    case Tok::choose:
      binary(Kind::binomial, bind_given + 1);
      return;
    case Tok::mod:
      binary(Kind::given, bind_given);
      return;
    case Tok::relation:
      binary(Kind::relation, bind_relation, t.op);
      return;
    case Tok::set_union:
      binary(Kind::set_union, bind_set);
      return;
    case Tok::set_intersection:
      binary(Kind::set_intersection, bind_set);
      return;
    case Tok::set_difference:
      binary(Kind::set_difference, bind_set);
      return;
    case Tok::caret:
    case Tok::underscore:
      start_command(t.type, 1);
      return;
    case Tok::bang:
      if (token().type == Tok::bang) {
        ++at_;
        postfix(Kind::double_factorial);
      } else {
        postfix(Kind::factorial);
      }
      return;
    case Tok::percent:
      postfix(Kind::percent);
      return;
    case Tok::degree:
      postfix(Kind::degree);
      return;
    case Tok::prime:
      prime();
      return;
    case Tok::currency: {
      const auto unit = parse_unit(t.text.starts_with('\\') ? t.text.substr(1) : t.text);
      if (!unit) throw NoParse{};
      unit_behind(*unit);
      return;
    }
    default:
      throw NoParse{};
  }
}

std::optional<int> parse(std::string_view normalized, Tree& tree, Budget& budget) {
  if (squeeze(normalized) == "{}") return tree.add(Kind::empty_set);
  try {
    return Parser(normalized, tree, budget).run();
  } catch (const NoParse&) {
    return std::nullopt;
  }
}

}  // namespace posttrain::mathcheck

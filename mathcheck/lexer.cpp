#include "mathcheck/lexer.h"

#include <algorithm>

#include "base/letters.h"
#include "mathcheck/commands.h"
#include "mathcheck/literal.h"
#include "mathcheck/normalize.h"
#include "mathcheck/words.h"

namespace posttrain::mathcheck {

namespace {

using R = Relation;

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  Tokens run() {
    while (at_ < text_.size()) step();
    push(Tok::end, 0);
    return std::move(out_);
  }

 private:
  Token& push(Tok type, size_t length, uint8_t op = 0) {
    out_.list.push_back({.type = type, .op = op, .space = space_, .text = text_.substr(at_, length)});
    at_ += length;
    space_ = false;
    return out_.list.back();
  }

  void take_argument() { arguments_ = std::max(0, arguments_ - 1); }

  // .\overline{3}
  bool repeats_at_once() const {
    const std::string_view rest = text_.substr(at_);
    return rest.starts_with(".\\overline") || rest.starts_with(".\\bar") || rest.starts_with(".\\dot{");
  }

  char look(size_t ahead) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }

  void step() {
    const char c = text_[at_];
    if (c == ' ' || c == thin_space) {
      space_ = true;
      ++at_;
      return;
    }
    if (is_digit(c) || (c == '.' && is_digit(look(1))) || repeats_at_once()) return number();
    if (is_letter(c)) return letters();
    switch (c) {
      case '\\':
        return command();
      case '{':
        if (text_.substr(at_).starts_with("{,}")) {
          push(Tok::comma, 3);
          return;
        }
        return open(Bracket::group);
      case '(':
        return open(Bracket::round);
      case '[':
        return open(Bracket::square);
      case '}':
        return close(Bracket::group);
      case ')':
        return close(Bracket::round);
      case ']':
        return close(Bracket::square);
      case '|':
        push(Tok::bar, look(1) == '|' ? 2 : 1);
        return;
      case ',':
        push(Tok::comma, 1);
        return;
      case ';':
        push(Tok::semicolon, 1);
        return;
      case ':':
        push(Tok::colon, 1);
        return;
      case '&':
        push(Tok::cell, 1);
        return;
      case '+':
        if (look(1) == '-' || text_.substr(at_).starts_with("+/-"))
          push(Tok::plus_minus, look(1) == '-' ? 2 : 3);
        else
          push(Tok::plus, 1);
        return;
      case '-':
        push(Tok::minus, 1);
        return;
      case '*':
        push(Tok::times, 1);
        return;
      case '/':
        push(Tok::slash, 1);
        return;
      case '^':
        push(Tok::caret, 1);
        return;
      case '_':
        push(Tok::underscore, 1);
        return;
      case '!':
        if (look(1) == '=')
          push(Tok::relation, 2, code(R::not_equal));
        else
          push(Tok::bang, 1);
        return;
      case '%':
        push(Tok::percent, 1);
        return;
      case '\'':
        push(Tok::prime, 1);
        return;
      case '=':
        if (look(1) == '<')
          push(Tok::relation, 2, code(R::less_equal));
        else if (look(1) == '>')
          push(Tok::relation, 2, code(R::other));
        else
          push(Tok::relation, look(1) == '=' ? 2 : 1, code(R::equal));
        return;
      case '<':
        if (look(1) == '=')
          push(Tok::relation, 2, code(R::less_equal));
        else
          push(Tok::relation, 1, code(R::less));
        return;
      case '>':
        if (look(1) == '=')
          push(Tok::relation, 2, code(R::greater_equal));
        else
          push(Tok::relation, 1, code(R::greater));
        return;
      case '.':
        if (text_.substr(at_).starts_with("..."))
          push(Tok::dots, 3);
        else
          ++at_;  // the end of a sentence
        return;
      case '?':
        ++at_;
        return;
      default:
        break;
    }
    if (static_cast<unsigned char>(c) >= 0x80) {
      size_t end = at_;
      while (end < text_.size() && static_cast<unsigned char>(text_[end]) >= 0x80) ++end;
      const std::string_view sign = text_.substr(at_, end - at_);
      const bool money = sign == "€" || sign == "£" || sign == "¥" || sign == "₹" || sign == "¢";
      push(money ? Tok::currency : Tok::word, end - at_);
      return;
    }
    push(Tok::unknown, 1);
  }

  void open(Bracket bracket, size_t length = 1) {
    if (bracket == Bracket::group)
      groups_.push_back(arguments_);
    else
      ++depth_;
    if (bracket == Bracket::group) arguments_ = 0;
    push(Tok::open, length, code(bracket));
  }

  void close(Bracket bracket, size_t length = 1) {
    if (bracket == Bracket::group) {
      if (!groups_.empty()) {
        arguments_ = std::max(0, groups_.back() - 1);
        groups_.pop_back();
      }
    } else if (depth_ > 0) {
      --depth_;
    }
    push(Tok::close, length, code(bracket));
  }

  // LaTeX takes one token for an argument without braces: \frac12 is a half, x^10 forgiven to be a tenth power.
  void number() {
    if (arguments_ > 0 && is_digit(text_[at_])) {
      take_argument();
      out_.literals.push_back(plain_literal(text_.substr(at_, 1)));
      Token& token = push(Tok::number, 1);
      token.literal = static_cast<int>(out_.literals.size()) - 1;
      return;
    }
    size_t length = 0;
    const auto literal = read_literal(text_.substr(at_), depth_ == 0, length);
    if (!literal || length == 0) {
      push(Tok::unknown, std::max<size_t>(length, 1));
      return;
    }
    out_.literals.push_back(*literal);
    Token& token = push(Tok::number, length);
    token.literal = static_cast<int>(out_.literals.size()) - 1;
  }

  bool after_value() const {
    if (out_.list.empty()) return false;
    const Token& last = out_.list.back();
    return last.type == Tok::number || last.type == Tok::close || last.type == Tok::word || last.type == Tok::text;
  }

  void letters() {
    size_t end = at_;
    while (end < text_.size() && is_letter(text_[end])) ++end;
    size_t length = end - at_;
    if (const size_t numeral = based_length(); numeral > 0) {
      number_from_base(numeral);
      return;
    }
    const std::string_view word = text_.substr(at_, length);
    if (length == 1) {
      take_argument();
      push(Tok::symbol, 1);
      return;
    }
    if (is_bare_command(word)) {
      named(word, length);
      return;
    }
    if ((is_known_word(word, after_value()) && !is_product(length)) || length > 3) {
      // sinx, 2pir: a function's name run into a letter.
      for (const std::string_view name : {"sin", "cos", "tan", "log", "ln", "sqrt", "pi"}) {
        if (word.starts_with(name) && length == name.size() + 1) {
          named(name, name.size());
          return;
        }
      }
      while (at_ + length < text_.size() && (is_letter(text_[at_ + length]) || text_[at_ + length] == '-')) {
        if (text_[at_ + length] == '-' && (at_ + length + 1 >= text_.size() || !is_letter(text_[at_ + length + 1])))
          break;
        ++length;  // north-east, twenty-five
      }
      push(Tok::word, length);
      return;
    }
    for (size_t i = 0; i < length; ++i) push(Tok::symbol, 1);
  }

  // "by" in ax+by+c and "at" in at^2 are products of letters.
  bool is_product(size_t length) const {
    const std::string_view word = text_.substr(at_, length);
    if (length != 2 || word == "no" || (after_value() && parse_unit(word))) return false;
    const size_t next = text_.find_first_not_of(' ', at_ + length);
    if (next != std::string_view::npos && std::string_view("^_+=").find(text_[next]) != std::string_view::npos)
      return true;
    if (out_.list.empty()) return false;
    const Tok last = out_.list.back().type;
    return last == Tok::plus || last == Tok::minus || last == Tok::times || last == Tok::slash ||
           (last == Tok::number && !space_);
  }

  // \\[4pt] in a matrix.
  void skip_row_gap() {
    if (look(0) != '[') return;
    const size_t stop = text_.find(']', at_);
    if (stop == std::string_view::npos || stop - at_ > 12) return;
    const std::string_view gap = text_.substr(at_ + 1, stop - at_ - 1);
    for (const std::string_view unit : {"pt", "em", "ex", "mm", "cm", "in"}) {
      if (gap.ends_with(unit) && gap.find_first_not_of("0123456789.- " + std::string(unit)) == std::string_view::npos)
        at_ = stop + 1;
    }
  }

  size_t based_length() const { return based_numeral_length(text_.substr(at_)); }
  void number_from_base(size_t length) {
    size_t used = 0;
    const auto literal = read_literal(text_.substr(at_), false, used);
    if (!literal) {
      push(Tok::unknown, length);
      return;
    }
    out_.literals.push_back(*literal);
    push(Tok::number, used).literal = static_cast<int>(out_.literals.size()) - 1;
  }

  // A command by name, with or without its backslash; `length` bytes stand for it.
  void named(std::string_view name, size_t length) {
    const Command* found = find_command(name);
    if (found == nullptr) {
      push(Tok::symbol, length);
      return;
    }
    if (found->type == Tok::open) return open(static_cast<Bracket>(found->op), length);
    if (found->type == Tok::close) return close(static_cast<Bracket>(found->op), length);
    // k_{\\max} is a name.
    const bool lowered = !out_.list.empty() && (out_.list.back().type == Tok::underscore ||
                                                (out_.list.size() > 1 && out_.list.back().type == Tok::open &&
                                                 out_.list[out_.list.size() - 2].type == Tok::underscore));
    if (found->type == Tok::function && lowered) {
      push(Tok::symbol, length);
      return;
    }
    if (found->type == Tok::frac || found->type == Tok::binom) {
      push(found->type, length);
      arguments_ = 2;
      return;
    }
    if (found->type != Tok::sqrt) take_argument();
    push(found->type, length, found->op);
  }

  // The braces' content after a command that ends at `from`; moves the lexer behind it.
  std::string_view argument(size_t from) {
    while (from < text_.size() && text_[from] == ' ') ++from;
    if (from >= text_.size() || text_[from] != '{') return {};
    int depth = 0;
    for (size_t i = from; i < text_.size(); ++i) {
      if (text_[i] == '\\') {
        ++i;
        continue;
      }
      if (text_[i] == '{') ++depth;
      if (text_[i] == '}' && --depth == 0) {
        const std::string_view inside = text_.substr(from + 1, i - from - 1);
        at_ = i + 1;
        return inside;
      }
    }
    const std::string_view inside = text_.substr(from + 1);
    at_ = text_.size();
    return inside;
  }

  void push_text(Tok type, std::string_view inside) {
    take_argument();
    out_.list.push_back({.type = type, .space = space_, .text = inside});
    space_ = false;
  }

  void command() {
    const char next = look(1);
    if (!is_letter(next)) {
      switch (next) {
        case '{':
          return open(Bracket::curly, 2);
        case '}':
          return close(Bracket::curly, 2);
        case '\\':
          push(Tok::row, 2);
          skip_row_gap();
          return;
        case '|':
          push(Tok::bar, 2);
          return;
        case '$':
          push(Tok::currency, 2);
          return;
        case '%':
          push(Tok::percent, 2);
          return;
        default:
          at_ += next == '\0' ? 1 : 2;
          return;
      }
    }
    size_t end = at_ + 1;
    while (end < text_.size() && is_letter(text_[end])) ++end;
    const std::string_view name = text_.substr(at_ + 1, end - at_ - 1);
    if (name == "begin" || name == "end") {
      const std::string_view environment = argument(end);
      at_ = std::max(at_, end);  // an environment without a name
      if (name == "begin") skip_columns();
      ++depth_;
      if (name == "end") depth_ = std::max(0, depth_ - 2);
      push(name == "begin" ? Tok::open : Tok::close, 0, code(Bracket::matrix)).text = environment;
      return;
    }
    if (name == "mathbb" || name == "mathcal" || name == "Bbb") {
      std::string_view inside = argument(end);
      if (inside.empty()) {
        at_ = end;
        return;
      }
      if (inside.size() != 1 || std::string_view("RQZNC").find(inside[0]) == std::string_view::npos)
        return push_text(Tok::symbol, inside);
      push_text(Tok::number_set, inside);
      if (inside == "R") half_of_reals();
      return;
    }
    if (name.starts_with("text") || name == "mbox" || name == "operatorname" || name == "mathrm" || name == "emph" ||
        name == "hbox" || name == "mathsf" || name == "mathtt") {
      return text_command(name, end);
    }
    if (name.starts_with("math") || name == "boldsymbol" || name == "bm" || name == "mathstrut") {
      at_ = end;  // the group that follows stands for itself
      return;
    }
    const size_t length = end - at_;
    if (find_command(name) == nullptr) {
      // A command run into a letter, as in \pir or \cdotx, else a letter of the Greek alphabet.
      for (const std::string_view known : {"cdot", "times", "pi", "sin", "cos", "tan", "sqrt", "frac"}) {
        if (name.starts_with(known) && name.size() <= known.size() + 2) return named(known, known.size() + 1);
      }
      take_argument();
    }
    named(name, length);
  }

  void text_command(std::string_view name, size_t end) {
    const std::string_view inside = argument(end);
    if (at_ < end) {
      at_ = end;
      return;
    }
    if (inside.starts_with('\\') && (name == "mathrm" || name == "mathsf")) {  // \mathrm{\pi} is \pi
      at_ = end;
      return;
    }
    const bool one_letter = inside.size() == 1 && is_letter(inside[0]);
    if (name == "mathrm" && one_letter) return push_text(Tok::symbol, inside);
    if (const Command* known = find_command(inside); known != nullptr && known->type == Tok::function) {
      out_.list.push_back({.type = Tok::function, .op = known->op, .space = space_, .text = inside});
      space_ = false;
      return;
    }
    // A numeral with letters and a base behind it.
    if (look(0) == '_' && !inside.empty()) {
      const std::string numeral = std::string(inside) + std::string(text_.substr(at_, 40));
      size_t used = 0;
      if (based_numeral_length(numeral) > 0 || is_digit(inside[0])) {
        if (const auto literal = read_literal(numeral, false, used); literal && used > inside.size()) {
          out_.literals.push_back(*literal);
          out_.list.push_back({.type = Tok::number, .space = space_, .text = inside});
          out_.list.back().literal = static_cast<int>(out_.literals.size()) - 1;
          at_ += used - inside.size();
          return;
        }
      }
    }
    push_text(Tok::text, inside);
  }

  // R^+, R_{>0}, R_{\ge 0}, R^-: the sign says which half, and is the token's `op`.
  void half_of_reals() {
    struct Half {
      std::string_view mark;
      char which;
    };
    constexpr Half halves[] = {
        {"^+", '+'},        {"^{+}", '+'},       {"_+", '+'},       {"_{+}", '+'},      {"_{>0}", '+'},
        {"_{> 0}", '+'},    {"^{-}", '-'},       {"^-", '-'},       {"_{<0}", '-'},     {"_{-}", '-'},
        {"_{\\ge 0}", 'p'}, {"_{\\geq 0}", 'p'}, {"_{\\ge0}", 'p'}, {"_{\\geq0}", 'p'}, {"_{\\geqslant 0}", 'p'}};
    for (const Half& half : halves) {
      if (!text_.substr(at_).starts_with(half.mark)) continue;
      out_.list.back().op = static_cast<uint8_t>(half.which);
      at_ += half.mark.size();
      return;
    }
  }

  // {cc} and [t] after \begin{array}.
  void skip_columns() {
    for (size_t end = at_; end < text_.size() && (text_[end] == '{' || text_[end] == '[');) {
      const size_t stop = text_.find(text_[end] == '{' ? '}' : ']', end);
      if (stop == std::string_view::npos ||
          text_.substr(end, stop - end).find_first_of("0123456789\\&") != std::string_view::npos)
        return;
      if (text_.substr(end + 1, stop - end - 1).find_first_not_of("clr|@ tb") != std::string_view::npos) return;
      at_ = end = stop + 1;
    }
  }

  std::string_view text_;
  size_t at_ = 0;
  bool space_ = false;
  int depth_ = 0;            // of brackets in which a comma parts, never groups digits
  int arguments_ = 0;        // of \frac or \binom still to come
  std::vector<int> groups_;  // arguments_ outside each open group
  Tokens out_;
};

}  // namespace

Tokens tokenize(std::string_view text) {
  return Lexer(text).run();
}

}  // namespace posttrain::mathcheck

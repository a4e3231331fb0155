#include "mathcheck/parser_state.h"

#include <algorithm>

#include "mathcheck/literal.h"

namespace posttrain::mathcheck {

namespace {

bool has_imaginary(const Tree& tree, int root) {
  const std::vector<bool> below = tree.below(root);
  for (int node = 0; node <= root; ++node) {
    if (below[static_cast<size_t>(node)] && tree.kind(node) == Kind::imaginary) return true;
  }
  return false;
}

// dy of \frac{dy}{dx}, d^2y of \frac{d^2y}{dx^2}: a name, not d times y.
std::optional<std::string> differential(const Tree& tree, int node) {
  const auto base = [&](int n) { return tree.kind(n) == Kind::pow ? tree.kid(n, 0) : n; };
  const auto is_d = [&](int n) {
    return tree.kind(n) == Kind::symbol && (tree.name(n) == "d" || tree.name(n) == "partial");
  };
  if (is_d(base(node))) return tree.print(node);
  if (tree.kind(node) != Kind::mul || tree.at(node).op != 1) return std::nullopt;
  const int d = base(tree.kid(node, 0)), name = base(tree.kid(node, 1));
  return is_d(d) && tree.kind(name) == Kind::symbol ? std::optional(tree.print(node)) : std::nullopt;
}

}  // namespace

int Parser::pop() {
  if (values_.size() <= frame().values) throw NoParse{};
  const int node = values_.back();
  values_.pop_back();
  return node;
}

void Parser::push_value(int node) {
  if (Operator* op = waiting()) op->waiting = false;
  values_.push_back(node);
  frame().item = true;
  want_operand_ = false;
}

// Hands a finished operand to the command that waits for it, else to the stack.
void Parser::deliver(int node) {
  while (wants_argument()) {
    Pending& command = pending_.back();
    command.arguments.push_back(node);
    if (static_cast<int>(command.arguments.size()) < command.need) {
      want_operand_ = true;
      return;
    }
    Pending done = std::move(command);
    pending_.pop_back();
    node = build_command(done);
    if (node < 0) return;
  }
  push_value(node);
}

void Parser::start_command(Tok command, int need) {
  pending_.push_back({.command = command, .need = need, .depth = frames_.size()});
  want_operand_ = true;
}

// The node of a command with all its arguments; -1 when it changed what is on the stacks instead.
int Parser::build_command(Pending& command) {
  const auto& a = command.arguments;
  switch (command.command) {
    case Tok::frac: {
      const auto above = differential(tree_, a[0]), below = differential(tree_, a[1]);
      if (above && below) return tree_.symbol(*above + "/" + *below);
      return tree_.add(Kind::div, {a[0], a[1]}, 1);
    }
    case Tok::binom:
      return tree_.add(Kind::binomial, {a[0], a[1]});
    case Tok::sqrt: {
      const int index = command.index >= 0 ? command.index : tree_.number(Rational(2));
      return tree_.add(Kind::root, {a[0], index});
    }
    case Tok::overline:
      // The conjugate of a number; of a name it makes another name.
      if (tree_.is_scalar(a[0]) && tree_.kind(tree_.bare(a[0])) != Kind::symbol && has_imaginary(tree_, a[0]))
        return tree_.add(Kind::function, {a[0]}, static_cast<uint8_t>(Function::conjugate));
      return tree_.symbol("~" + tree_.print(a[0]));
    case Tok::accent:
      return tree_.symbol("~" + tree_.print(a[0]));
    case Tok::caret: {
      int exponent = a[0];
      if (command.negative) exponent = tree_.add(Kind::neg, {exponent});
      if (Operator* op = waiting()) {
        (op->kind == Kind::function ? op->power : op->upper) = exponent;
        want_operand_ = true;
        return -1;
      }
      int base = pop();
      want_operand_ = false;
      const auto exponent_is = [&](std::string_view name) {
        return tree_.kind(exponent) == Kind::symbol && tree_.name(exponent) == name;
      };
      if (exponent_is("°") || (exponent_is("o") && tree_.kind(base) == Kind::number)) {
        values_.push_back(base);
        postfix(Kind::degree);
        return -1;
      }
      if (exponent_is("'")) {
        values_.push_back(base);
        prime();
        return -1;
      }
      if ((exponent_is("T") || exponent_is("top")) && tree_.kind(tree_.bare(base)) == Kind::matrix) {
        push_value(transposed(tree_.bare(base)));
        return -1;
      }
      // x^2^3 is x^(2^3).
      if (tree_.kind(base) == Kind::pow && tree_.at(base).op == 1) {
        const int inner = tree_.add(Kind::pow, {tree_.kid(base, 1), exponent});
        push_value(tree_.add(Kind::pow, {tree_.kid(base, 0), inner}, 1));
        return -1;
      }
      push_value(tree_.add(Kind::pow, {base, exponent}, 1));
      return -1;
    }
    case Tok::underscore: {
      if (Operator* op = waiting()) {
        (op->kind == Kind::function ? op->base : op->lower) = a[0];
        want_operand_ = true;
        return -1;
      }
      const int value = pop();
      attach_subscript(value, a[0]);
      return -1;
    }
    default:
      throw NoParse{};
  }
}

// A subscript makes another name of a name, and is the base of a numeral.
void Parser::attach_subscript(int value, int sub) {
  budget_.spend(tree_.size());
  const int bare = tree_.bare(value), index = tree_.bare(sub);
  if (tree_.kind(bare) == Kind::number) {
    const auto base = tree_.kind(index) == Kind::number ? tree_.literal(index).value.to_long() : std::nullopt;
    const auto read =
        base ? reread_in_base(tree_.literal(bare).value, static_cast<int>(std::min(*base, 99L))) : std::nullopt;
    if (!read) throw NoParse{};
    push_value(tree_.number(*read));
    return;
  }
  // x_{1,2} = 3 \pm 1 names both values of x.
  const bool several = tree_.kind(index) == Kind::list || tree_.kind(index) == Kind::set;
  push_value(several ? value : tree_.symbol(tree_.print(value) + "_" + tree_.print(sub)));
}

void Parser::open_frame(Bracket bracket, bool reversed) {
  Frame opened;
  opened.bracket = bracket;
  const Operator* op = wants_argument() ? nullptr : waiting();
  opened.call = op != nullptr && op->kind == Kind::function && bracket == Bracket::round;
  opened.operators = operators_.size();
  opened.values = values_.size();
  opened.reversed = reversed;
  opened.commands = pending_.size();
  frames_.push_back(opened);
  want_operand_ = true;
}

void Parser::separate(Separator separator) {
  if (frame().bracket == Bracket::abs) throw NoParse{};
  if (want_operand_ && frame().item) {
    // "=, " or "+ ," make no sense; a relation without its right side is dropped.
    if (!operators_.empty() && operators_.size() > frame().operators && operators_.back().kind == Kind::relation) {
      operators_.pop_back();
      want_operand_ = false;
    } else {
      throw NoParse{};
    }
  }
  reduce(0);
  frame().separated = true;
  if (separator == Separator::or_ || (separator == Separator::and_ && frame().separator == Separator::comma)) {
    frame().separator = separator;
  }
  frame().item = false;
  want_operand_ = true;
}

void Parser::next_cell(bool new_row) {
  if (frame().bracket != Bracket::matrix) {
    if (new_row) separate(Separator::comma);
    return;
  }
  if (want_operand_ && !frame().item) {
    if (!new_row || frame().cells == 0) return;  // an empty cell or row
  }
  reduce(0);
  ++frame().cells;
  frame().item = false;
  if (new_row) {
    if (frame().rows == 0) frame().columns = frame().cells;
    if (frame().cells != frame().columns) throw NoParse{};
    ++frame().rows;
    frame().cells = 0;
  }
  want_operand_ = true;
}

void Parser::close_frame(Bracket closing) {
  const int node = gather(closing);
  const bool call = frame().call;
  if (node < 0 || pending_.size() > frame().commands) throw NoParse{};
  frames_.pop_back();
  if (call) {
    const Operator op = operators_.back();
    operators_.pop_back();
    push_value(apply_function(op, node));
    return;
  }
  deliver(node);
}

// Takes the frame's items off the stack and makes one node of them; -1 when there are none.
int Parser::gather(Bracket closing) {
  Frame& f = frame();
  if (want_operand_ && operators_.size() > f.operators && operators_.back().kind == Kind::relation &&
      operators_.back().op == static_cast<uint8_t>(Relation::equal)) {
    operators_.pop_back();  // "12 =" says 12
  }
  if (f.bracket == Bracket::matrix && (f.item || f.cells > 0)) next_cell(true);
  reduce(0);
  const std::vector<int> items(values_.begin() + static_cast<std::ptrdiff_t>(f.values), values_.end());
  values_.resize(f.values);
  const uint8_t brackets =
      static_cast<uint8_t>(static_cast<int>(f.reversed ? Bracket::round : f.bracket) * 16 + static_cast<int>(closing));
  switch (f.bracket) {
    case Bracket::group:
      if (items.empty()) return -1;
      if (items.size() == 1) return items[0];
      // Braces without backslash hold a set in plain text, else arguments.
      return tree_.add(
          f.commands == 0 && frames_.size() > 1 && f.separator == Separator::comma ? Kind::set : Kind::list, items,
          static_cast<uint8_t>(f.separator));
    case Bracket::curly:
      if (items.empty()) return tree_.add(Kind::empty_set);
      // {x | x < 1 or x > 2}
      if (items.size() > 1 && tree_.kind(items[0]) == Kind::given) {
        std::vector<int> conditions(items);
        conditions[0] = tree_.kid(items[0], 1);
        const int all = tree_.add(Kind::list, conditions, static_cast<uint8_t>(f.separator));
        return tree_.add(Kind::set, {tree_.add(Kind::given, {tree_.kid(items[0], 0), all})});
      }
      return tree_.add(Kind::set, items, static_cast<uint8_t>(f.separator));
    case Bracket::abs:
      if (items.size() != 1) throw NoParse{};
      return tree_.add(Kind::abs, {items[0]});
    case Bracket::floor:
    case Bracket::ceil:
      if (items.size() != 1) throw NoParse{};
      return tree_.add(f.bracket == Bracket::floor ? Kind::floor : Kind::ceil, {items[0]});
    case Bracket::matrix:
      if (items.empty() || f.rows * f.columns != static_cast<int>(items.size())) throw NoParse{};
      if (f.determinant) return determinant(tree_.add(Kind::matrix, items, 0, f.rows));
      return tree_.add(Kind::matrix, items, 0, f.rows);
    default:
      break;
  }
  if (items.empty()) throw NoParse{};
  const bool interval =
      brackets != static_cast<uint8_t>(static_cast<int>(Bracket::round) * 16 + static_cast<int>(Bracket::round));
  if (items.size() == 1 && (!interval || f.bracket != Bracket::angle)) {
    // A matrix or a tuple within brackets is that matrix or tuple.
    const Kind inner = tree_.kind(items[0]);
    if (inner == Kind::matrix || inner == Kind::bracket) return items[0];
    return tree_.add(Kind::paren, {items[0]}, brackets);
  }
  return tree_.add(Kind::bracket, items, brackets);
}

void Parser::push_operator(Operator op) {
  operators_.push_back(op);
  want_operand_ = true;
}

void Parser::binary(Kind kind, int binds, uint8_t op) {
  reduce(binds);
  push_operator({.kind = kind, .binds = binds, .op = op});
}

// Two values side by side.
void Parser::implicit_product() {
  const bool argument = operators_.size() > frame().operators && operators_.back().kind == Kind::function;
  const bool function_follows = token().type == Tok::function || token().type == Tok::sum;
  const int left = values_.back();
  const bool measured = tree_.kind(left) == Kind::quantity || tree_.kind(left) == Kind::degree;
  if (measured && token().type == Tok::number) {  // 5 feet 6 inches
    binary(Kind::add, bind_add);
    return;
  }
  binary(Kind::mul, argument && !function_follows ? bind_argument : bind_mul, 1);
}

// Applies what binds at least as tightly.
void Parser::reduce(int binds) {
  while (operators_.size() > frame().operators && operators_.back().binds >= binds) {
    const Operator op = operators_.back();
    operators_.pop_back();
    apply(op);
  }
}

void Parser::apply(const Operator& op) {
  budget_.spend(10);
  const int right = pop();
  if (op.kind == Kind::function) {
    values_.push_back(apply_function(op, right));
    return;
  }
  if (op.kind == Kind::sum || op.kind == Kind::product) {
    if (op.lower < 0 || op.upper < 0) throw NoParse{};
    int lower = op.lower, body = right;
    if (tree_.kind(lower) == Kind::relation && tree_.kind(tree_.kid(lower, 0)) == Kind::imaginary) {
      const int name = tree_.symbol("i");
      lower = tree_.replace_imaginary(lower, name);
      body = tree_.replace_imaginary(body, name);
    }
    values_.push_back(tree_.add(op.kind, {lower, op.upper, body}));
    return;
  }
  if (op.prefix) {
    if (op.kind == Kind::quantity)
      values_.push_back(tree_.add(Kind::quantity, {right}, 0, op.op));
    else if (op.kind == Kind::neg)
      values_.push_back(tree_.add(Kind::neg, {right}));
    else
      values_.push_back(tree_.add(op.kind, {tree_.number(Rational(0)), right}));  // ±x
    return;
  }
  const int left = pop();
  if (op.kind == Kind::relation || op.kind == Kind::ratio) {
    // a < b < c is one chain.
    std::vector<int> members;
    std::vector<Relation> signs;
    if (tree_.kind(left) == op.kind) {
      members.assign(tree_.kids(left).begin(), tree_.kids(left).end());
      if (op.kind == Kind::relation) {
        for (size_t i = 0; i + 1 < members.size(); ++i) signs.push_back(tree_.relation(left, static_cast<int>(i)));
      }
      if (members.size() > 40) throw OverBudget{};
    } else {
      members.push_back(left);
    }
    members.push_back(right);
    const auto index = static_cast<int>(tree_.relations.size());
    signs.push_back(static_cast<Relation>(op.op));
    if (op.kind == Kind::relation) tree_.relations.insert(tree_.relations.end(), signs.begin(), signs.end());
    values_.push_back(tree_.add(op.kind, members, 0, index));
    return;
  }
  if (op.kind == Kind::mul && op.op == 1) {
    // An integer directly before a fraction of numerals is a mixed number.
    const auto numeral = [&](int n) { return tree_.kind(n) == Kind::number && tree_.literal(n).plain_integer; };
    if (numeral(left) && tree_.kind(right) == Kind::div && tree_.at(right).op == 1 && numeral(tree_.kid(right, 0)) &&
        numeral(tree_.kid(right, 1)) && !tree_.literal(tree_.kid(right, 1)).value.is_zero()) {
      const Rational part = tree_.literal(tree_.kid(right, 0)).value / tree_.literal(tree_.kid(right, 1)).value;
      values_.push_back(tree_.number(tree_.literal(left).value + part));
      return;
    }
    if (numeral(left) && tree_.kind(right) == Kind::number) throw NoParse{};  // "2 3"
  }
  const Kind l = tree_.kind(left), r = tree_.kind(right);
  const bool sets = op.kind == Kind::sub && l == Kind::number_set && (r == Kind::set || r == Kind::bracket);
  values_.push_back(tree_.add(sets ? Kind::set_difference : op.kind, {left, right}, sets ? uint8_t{0} : op.op));
}

int Parser::apply_function(const Operator& op, int argument) {
  auto function = static_cast<Function>(op.op);
  int node = -1;
  // Lists of arguments: max(a, b), gcd(a, b).
  const Kind kind = tree_.kind(argument);
  if (function == Function::cis) {
    const int angle = tree_.add(Kind::mul, {tree_.add(Kind::imaginary), argument});
    return tree_.add(Kind::pow, {tree_.add(Kind::euler), angle});
  }
  if (function == Function::det && tree_.kind(tree_.bare(argument)) == Kind::matrix)
    return determinant(tree_.bare(argument));
  const bool many =
      function == Function::max || function == Function::min || function == Function::gcd || function == Function::lcm;
  if (many && (kind == Kind::bracket || kind == Kind::set || kind == Kind::list)) {
    const std::vector<int> items(tree_.kids(argument).begin(), tree_.kids(argument).end());
    node = tree_.add(Kind::function, items, op.op);
  } else if ((function == Function::ln || function == Function::log) && op.base >= 0) {
    node = tree_.add(Kind::log_base, {op.base, argument});
  } else {
    int power = op.power;
    // sin^{-1} is the inverse function.
    const int p = power >= 0 ? tree_.bare(power) : -1;
    const bool inverse = p >= 0 && ((tree_.kind(p) == Kind::neg && tree_.kind(tree_.kid(p, 0)) == Kind::number &&
                                     tree_.literal(tree_.kid(p, 0)).value == Rational(1)) ||
                                    (tree_.kind(p) == Kind::number && tree_.literal(p).value == Rational(-1)));
    if (inverse && function <= Function::csc) {
      constexpr Function inverses[] = {Function::asin, Function::acos, Function::atan,
                                       Function::acot, Function::asec, Function::acsc};
      function = inverses[static_cast<size_t>(function)];
      return tree_.add(Kind::function, {argument}, static_cast<uint8_t>(function));
    }
    node = tree_.add(Kind::function, {argument}, static_cast<uint8_t>(function));
  }
  return op.power >= 0 ? tree_.add(Kind::pow, {node, op.power}) : node;
}

// A sign behind a value: %, !, °, a unit.
void Parser::postfix(Kind kind, int index) {
  const bool tight = kind == Kind::factorial || kind == Kind::double_factorial;
  if (!tight) {
    while (operators_.size() > frame().operators && operators_.back().binds >= bind_mul &&
           operators_.back().kind != Kind::function) {
      const Operator op = operators_.back();
      operators_.pop_back();
      apply(op);
    }
  }
  const int value = pop();
  values_.push_back(tree_.add(kind, {value}, 0, index));
  want_operand_ = false;
}

}  // namespace posttrain::mathcheck

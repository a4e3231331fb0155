#include "lean/elaborate.h"

#include <algorithm>
#include <array>

namespace posttrain::lean {
using Kind = Syntax::Kind;

namespace {

[[noreturn]] void unsupported(const Syntax& s, const std::string& what) {
  throw ElaborationError(what, s.place);
}

bool is_tree(const Syntax& s) {
  if (s.kind == Kind::infix)
    return s.text == "+" || s.text == "-" || s.text == "*" || s.text == "/" || s.text == "%" || s.text == "^";
  return s.is(Kind::prefix, "-") || s.is(Kind::postfix, "⁻¹");
}

std::optional<Sort> larger(std::optional<Sort> a, std::optional<Sort> b) {
  if (!a) return b;
  if (!b) return a;
  return std::max(*a, *b);
}

// A function application as its head and arguments; x.f y is f x y for the functions that are known by namespace.
struct Call {
  std::string head;
  std::vector<Syntax> args;
};

Call call_of(const Syntax& given) {
  const Syntax& s = bare(given);
  Call c;
  const Syntax* head = &s;
  if (s.kind == Kind::apply) {
    head = &bare(s.kids[0]);
    c.args.assign(s.kids.begin() + 1, s.kids.end());
  }
  if (head->kind == Kind::name) {
    c.head = head->text;
  } else if (head->kind == Kind::postfix && head->text.starts_with(".")) {
    c.head = "Nat" + head->text;
    c.args.insert(c.args.begin(), head->kids[0]);
  } else if (head->is(Kind::postfix, "!")) {
    c.head = "Nat.factorial";
    c.args = head->kids;
  } else if (head->is(Kind::prefix, "abs")) {
    c.head = "abs";
    c.args = head->kids;
  }
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 4> aliases = {
      {{"Nat.succ", "Nat.succ"}, {"Int.natAbs", ""}, {"NNReal.sqrt", ""}, {"√", "Real.sqrt"}}};
  for (const auto& [from, to] : aliases)
    if (c.head == from) c.head = to;
  return c;
}

struct Function {
  std::string_view name;
  Op op;
  size_t arity;
  std::optional<Sort> sort;  // of the arguments and the value; nothing: of whatever the arguments have
};
constexpr std::array<Function, 10> functions = {{{"abs", Op::abs, 1, {}},
                                                 {"Real.sqrt", Op::sqrt, 1, Sort::real},
                                                 {"Nat.sqrt", Op::nat_sqrt, 1, Sort::nat},
                                                 {"Nat.gcd", Op::gcd, 2, Sort::nat},
                                                 {"Nat.lcm", Op::lcm, 2, Sort::nat},
                                                 {"Nat.factorial", Op::factorial, 1, Sort::nat},
                                                 {"Nat.choose", Op::choose, 2, Sort::nat},
                                                 {"min", Op::min, 2, {}},
                                                 {"max", Op::max, 2, {}},
                                                 {"Nat.succ", Op::add, 1, Sort::nat}}};

const Function* find_function(std::string_view name) {
  const auto* at = std::ranges::find(functions, name, &Function::name);
  return at == functions.end() ? nullptr : at;
}

// Sums, products and functions of whatever sort their arguments have: polymorphic, so an expected type decides.
bool takes_expected(const Syntax& s) {
  if (s.kind == Kind::fold) return true;
  const Function* f = find_function(call_of(s).head);
  return f != nullptr && !f->sort;
}

bool is_leaf_in(const std::string& name, const Syntax& given) {
  const Syntax& s = bare(given);
  if (s.kind == Kind::name) return s.text == name;
  if (s.is(Kind::infix, "^")) return is_leaf_in(name, s.kids[0]);
  if (!is_tree(s) && !s.is(Kind::prefix, "abs")) return false;
  return std::ranges::any_of(s.kids, [&](const Syntax& k) { return is_leaf_in(name, k); });
}

bool is_relation(const Syntax& s) {
  return s.kind == Kind::infix && (s.text == "=" || s.text == "≠" || s.text == "<" || s.text == "≤" || s.text == ">" ||
                                   s.text == "≥" || s.text == "∣");
}

}  // namespace

const Variable* Elaborator::find(std::string_view name) const {
  for (size_t i = scope_.size(); i-- > 0;)
    if (scope_[i].name == name) return &scope_[i];
  return nullptr;
}

std::optional<Sort> Elaborator::infer_set(const Syntax& set) {
  const Call c = call_of(set);
  if (c.head == "Finset.filter" && c.args.size() == 2) return infer_set(c.args[1]);
  if (c.head == "Finset.range" || c.head == "Nat.divisors" || c.head == "Nat.properDivisors") return Sort::nat;
  std::optional<Sort> sort;
  for (const Syntax& a : c.args) sort = larger(sort, infer(a));
  return sort;
}

std::optional<Sort> Elaborator::infer(const Syntax& given) {
  const Syntax& s = bare(given);
  switch (s.kind) {
    case Kind::typed: {
      const auto t = type(s.kids[1]);
      if (!t || !t->args.empty()) unsupported(s, "an unsupported type");
      return t->sort;
    }
    case Kind::infix:
      if (s.text == "^") return infer(s.kids[0]);
      if (is_tree(s)) return larger(infer(s.kids[0]), infer(s.kids[1]));
      return Sort::prop;
    case Kind::prefix:
      if (s.text == "↑") return std::nullopt;
      if (s.text == "¬") return Sort::prop;
      return infer(s.kids[0]);
    case Kind::fold: {
      auto sort = s.kids[0].kids.empty() ? infer_set(s.kids[1]) : std::optional(type(s.kids[0].kids[0])->sort);
      scope_.push_back({s.kids[0].text, s.kids[0].text, {}, sort.value_or(Sort::nat)});
      const auto out = infer(s.kids[2]);
      scope_.pop_back();
      return out;
    }
    case Kind::postfix:
      if (s.text == "⁻¹") return infer(s.kids[0]);
      [[fallthrough]];
    case Kind::name:
    case Kind::apply: {
      const Call c = call_of(s);
      if (const Variable* v = find(c.head)) return v->sort;
      if (c.head == "Finset.card") return Sort::nat;
      if (const Function* f = find_function(c.head)) {
        if (f->sort) return f->sort;
        std::optional<Sort> sort;
        for (const Syntax& a : c.args) sort = larger(sort, infer(a));
        return sort;
      }
      if (c.head.ends_with(".succ")) return Sort::nat;
      return std::nullopt;
    }
    default:
      return std::nullopt;
  }
}

Term Elaborator::number(const Syntax& s, std::optional<Sort> expected) {
  const auto own = infer(s);
  const Sort sort = larger(own, expected).value_or(Sort::nat);
  if (expected && sort != *expected) unsupported(s, std::string("expected a term of sort ") + sort_name(*expected));
  if (sort == Sort::prop) unsupported(s, "expected a number");
  // An expected type reaches into what is no arithmetic tree: the body of a sum, the arguments of max. Leaves of a tree
  // (and sides of a relation) are elaborated on their own and cast.
  if (expected && !is_tree(bare(s)) && own != Sort::prop && takes_expected(bare(s))) return leaf(bare(s), sort);
  return build(s, sort);
}

Term Elaborator::build(const Syntax& given, Sort sort) {
  const Syntax& s = bare(given);
  if (!is_tree(s)) {
    const Sort own = infer(s).value_or(sort);
    if (own > sort || own == Sort::prop) unsupported(s, std::string("expected a term of sort ") + sort_name(sort));
    return cast(leaf(s, own), sort);
  }
  try {
    if (s.text == "^") {
      const auto exponent = infer(s.kids[1]);
      if (exponent && *exponent != Sort::nat) unsupported(s, "only natural exponents are supported");
      return make(Op::pow, {build(s.kids[0], sort), build(s.kids[1], Sort::nat)});
    }
    if (s.kind == Kind::prefix) {
      const Term inner = build(s.kids[0], sort);
      if (inner->op == Op::literal && inner->value.sign() > 0 && sort != Sort::nat) return literal(-inner->value, sort);
      return make(Op::neg, {inner});
    }
    if (s.kind == Kind::postfix) return make(Op::inv, {build(s.kids[0], sort)});
    const Op op = s.text == "+"   ? Op::add
                  : s.text == "-" ? Op::sub
                  : s.text == "*" ? Op::mul
                  : s.text == "/" ? Op::div
                                  : Op::mod;
    return make(op, {build(s.kids[0], sort), build(s.kids[1], sort)});
  } catch (const IllFormed& e) {
    unsupported(s, e.what());
  }
}

Term Elaborator::leaf(const Syntax& s, Sort sort) {
  try {
    switch (s.kind) {
      case Kind::number:
        if (const auto value = Rational::from_digits(s.text)) return literal(*value, sort);
        unsupported(s, "a number of more digits than are read");
      case Kind::typed:
        return number(s.kids[0], sort);
      case Kind::prefix:
        if (s.text == "↑") return cast(number(s.kids[0]), sort);
        break;
      case Kind::fold:
        return folded(s, sort);
      case Kind::name:
        if (const Variable* v = find(s.text); v && v->args.empty()) return variable(v->id, v->sort);
        break;
      default:
        break;
    }
    const Call c = call_of(s);
    if (c.head.empty()) unsupported(s, "an unsupported term");
    return call(s, c.args, sort);
  } catch (const IllFormed& e) {
    unsupported(s, e.what());
  }
}

Term Elaborator::call(const Syntax& s, const std::vector<Syntax>& args, Sort sort) {
  const std::string name = call_of(s).head;
  if (const Variable* found = find(name)) {
    const Variable v = *found;
    if (v.args.size() != args.size()) unsupported(s, "wrong number of arguments of '" + name + "'");
    std::vector<Term> terms;
    for (size_t i = 0; i < args.size(); ++i) terms.push_back(number(args[i], v.args[i]));
    return variable(v.id, v.sort, std::move(terms));
  }
  if (name == "Finset.card" && args.size() == 1)
    return fold_over(
        Op::sum, s, "x", {}, args[0], [](const Term&) { return literal(1, Sort::nat); }, Sort::nat);
  if (const Function* f = find_function(name)) {
    if (f->arity != args.size()) unsupported(s, "wrong number of arguments of '" + name + "'");
    std::vector<Term> terms;
    for (const Syntax& a : args) terms.push_back(number(a, f->sort.value_or(sort)));
    if (name == "Nat.succ") terms.push_back(literal(1, Sort::nat));
    return make(f->op, std::move(terms));
  }
  if (const size_t dot = name.rfind('.'); dot != std::string::npos && find(name.substr(0, dot))) {
    Syntax function = s;  // x.gcd y is Nat.gcd x y
    function.kind = Kind::apply;
    Syntax head = s, self = s;
    head.kind = self.kind = Kind::name;
    head.text = "Nat" + name.substr(dot);
    self.text = name.substr(0, dot);
    head.kids.clear();
    self.kids.clear();
    function.kids = {head, self};
    function.kids.insert(function.kids.end(), args.begin(), args.end());
    if (find(self.text)->sort == Sort::nat && find_function(head.text)) return leaf(function, sort);
  }
  unsupported(s, "unknown '" + name + "'");
}

Term Elaborator::under(const Syntax& bound, Sort sort, const std::function<Term()>& body, std::string& id) {
  id = "\x02" + std::to_string(fresh_++) + bound.text;  // can't be typed, so it captures nothing
  scope_.push_back({bound.text, id, {}, sort});
  Term inner;
  try {
    inner = body();
  } catch (...) {
    scope_.pop_back();
    throw;
  }
  scope_.pop_back();
  return abstract(inner, id, sort);
}

Term Elaborator::fold_over(Op op, const Syntax& at, const std::string& name, std::optional<Sort> sort,
                           const Syntax& set, const std::function<Term(const Term&)>& body, Sort result) {
  const Call c = call_of(set);
  const Term neutral = literal(op == Op::sum ? 0 : 1, result);
  const auto filtered = [&](const Term& condition, const Term& x) {
    return make(Op::ite, {condition, body(x), neutral});
  };
  if (c.head == "Finset.filter" && c.args.size() == 2) {
    const Syntax& predicate = bare(c.args[0]);
    if (!predicate.is(Kind::binder, "fun") || predicate.kids.size() != 2) unsupported(set, "an unsupported filter");
    return fold_over(
        op, at, name, sort, c.args[1],
        [&](const Term& x) {
          scope_.push_back({predicate.kids[0].text, x->name, {}, x->sort});
          const Term condition = formula(predicate.kids[1]);
          scope_.pop_back();
          return filtered(condition, x);
        },
        result);
  }
  Term low, high;
  const Term zero = literal(0, Sort::nat), one = literal(1, Sort::nat);
  std::function<Term(const Term&)> inner = body;
  if (c.head == "Finset.range" && c.args.size() == 1) {
    low = zero;
    high = number(c.args[0], Sort::nat);
  } else if ((c.head == "Nat.divisors" || c.head == "Nat.properDivisors") && c.args.size() == 1) {
    const Term n = number(c.args[0], Sort::nat);
    low = one;
    high = c.head == "Nat.divisors" ? make(Op::add, {n, one}) : n;
    inner = [&, n](const Term& x) { return filtered(make(Op::dvd, {x, n}), x); };
  } else if (c.head.starts_with("Finset.I") && c.args.size() == 2) {
    const Sort s = larger(larger(infer(c.args[0]), infer(c.args[1])), sort).value_or(Sort::nat);
    if (!is_integral(s)) unsupported(set, "an interval of another sort");
    const Term next = literal(1, s);
    low = number(c.args[0], s);
    high = number(c.args[1], s);
    if (c.head == "Finset.Ioc" || c.head == "Finset.Ioo") low = make(Op::add, {low, next});
    if (c.head == "Finset.Icc" || c.head == "Finset.Ioc") high = make(Op::add, {high, next});
  } else {
    unsupported(set, "an unsupported set");
  }
  if (sort && *sort != low->sort) unsupported(set, "a set of another sort");
  Syntax bound = at;
  bound.text = name;
  std::string id;
  const Sort index = low->sort;
  const Term abstracted = under(
      bound, index, [&] { return inner(variable(scope_.back().id, index)); }, id);
  return fold(op, index, name, low, high, abstracted);
}

Term Elaborator::folded(const Syntax& s, Sort sort) {
  std::optional<Sort> index;
  if (!s.kids[0].kids.empty()) index = type(s.kids[0].kids[0])->sort;
  return fold_over(
      s.text == "∑" ? Op::sum : Op::prod, s, s.kids[0].text, index, s.kids[1],
      [&](const Term&) { return number(s.kids[2], sort); }, sort);
}

// What is known about the sort of a bound variable that was given none.
std::optional<Sort> Elaborator::guess(const std::string& name, const Syntax& s) {
  std::optional<Sort> found;
  if (s.kind == Kind::apply) {
    const Call c = call_of(s);
    if (const Variable* v = find(c.head)) {
      const Variable function = *v;
      for (size_t i = 0; i < c.args.size() && i < function.args.size(); ++i)
        if (is_leaf_in(name, c.args[i])) return function.args[i];
    }
  }
  if (s.kind == Kind::typed && s.kids.size() == 2 && is_leaf_in(name, s.kids[0]))
    if (const auto t = type(s.kids[1])) return t->sort;
  for (const Syntax& k : s.kids)
    if (!found && k.kind != Kind::bound) found = guess(name, k);
  if (found) return found;
  if (is_relation(s) && (is_leaf_in(name, s.kids[0]) || is_leaf_in(name, s.kids[1])))
    return larger(infer(s.kids[0]), infer(s.kids[1]));
  if (s.is(Kind::infix, "∈") && is_leaf_in(name, s.kids[0])) return infer_set(s.kids[1]);
  return std::nullopt;
}

Term Elaborator::relation(const Syntax& s, Op op, const Syntax& left, const Syntax& right) {
  const Sort sort = larger(infer(left), infer(right)).value_or(Sort::nat);
  if (sort == Sort::prop) {
    if (op != Op::eq) unsupported(s, "a comparison of formulas");
    return make(Op::iff, {formula(left), formula(right)});
  }
  return make(op, {build(left, sort), build(right, sort)});
}

Term Elaborator::membership(const Syntax& element, const Syntax& set) {
  const Call c = call_of(set);
  if (c.head == "Finset.range" && c.args.size() == 1)
    return make(Op::lt, {number(element, Sort::nat), number(c.args[0], Sort::nat)});
  const size_t dot = c.head.find('.');
  const std::string kind = dot == std::string::npos ? "" : c.head.substr(dot + 1);
  if (c.args.size() != 2 || (kind != "Icc" && kind != "Ico" && kind != "Ioc" && kind != "Ioo"))
    unsupported(set, "an unsupported set");
  const Sort sort = larger(larger(infer(element), infer(c.args[0])), infer(c.args[1])).value_or(Sort::nat);
  const Term x = build(element, sort);
  return make(Op::and_, {make(kind[1] == 'c' ? Op::le : Op::lt, {build(c.args[0], sort), x}),
                         make(kind[2] == 'c' ? Op::le : Op::lt, {x, build(c.args[1], sort)})});
}

Term Elaborator::binder(const Syntax& s, size_t from) {
  if (from + 1 == s.kids.size()) return formula(s.kids.back());
  const Syntax& b = s.kids[from];
  const bool all = s.text == "∀";
  std::optional<Sort> sort;
  if (!b.kids.empty()) {
    const auto t = type(b.kids[0]);
    if (!t) {  // ∀ (h : p), q
      const Term condition = formula(b.kids[0]);
      return make(all ? Op::imp : Op::and_, {condition, binder(s, from + 1)});
    }
    if (!t->args.empty() || t->sort == Sort::prop) unsupported(b, "quantifiers are over numbers only");
    sort = t->sort;
  } else {
    for (size_t i = from + 1; i < s.kids.size() && !sort; ++i) sort = guess(b.text, s.kids[i]);
  }
  std::string id;
  const Sort index = sort.value_or(Sort::nat);
  const Term body = under(
      b, index, [&] { return binder(s, from + 1); }, id);
  if (s.text != "∃!") return quantify(all ? Op::forall : Op::exists, index, b.text, body);
  if (s.kids.size() != 2) unsupported(s, "∃! binds one variable");
  const Term x = variable("\x03x", index), y = variable("\x03y", index);
  const Term unique = quantify(Op::forall, index, "y",
                               abstract(make(Op::imp, {instantiate(body, y), make(Op::eq, {y, x})}), y->name, index));
  return quantify(Op::exists, index, b.text, abstract(make(Op::and_, {instantiate(body, x), unique}), x->name, index));
}

Term Elaborator::predicate(const Syntax& s, const std::string& name, const std::vector<Syntax>& args) {
  if (name == "True" && args.empty()) return top();
  if (name == "False" && args.empty()) return bottom();
  if (const Variable* v = find(name)) {
    if (v->sort != Sort::prop || v->args.size() != args.size()) unsupported(s, "expected a formula");
    const Variable copy = *v;
    std::vector<Term> terms;
    for (size_t i = 0; i < args.size(); ++i) terms.push_back(number(args[i], copy.args[i]));
    return variable(copy.id, Sort::prop, std::move(terms));
  }
  const size_t dot = name.rfind('.');
  if (dot != std::string::npos && find(name.substr(0, dot)) && find(name.substr(0, dot))->sort == Sort::nat) {
    Syntax self = s;
    self.kind = Kind::name;
    self.text = name.substr(0, dot);
    self.kids.clear();
    std::vector<Syntax> all = {self};
    all.insert(all.end(), args.begin(), args.end());
    return predicate(s, "Nat" + name.substr(dot), all);
  }
  if ((name == "Nat.Prime" || name == "Prime") && args.size() == 1) {
    if (name == "Prime" && infer(args[0]) != Sort::nat) unsupported(s, "primes are natural numbers");
    return make(Op::prime, {number(args[0], Sort::nat)});
  }
  if (name == "Nat.Coprime" && args.size() == 2)
    return make(Op::eq,
                {make(Op::gcd, {number(args[0], Sort::nat), number(args[1], Sort::nat)}), literal(1, Sort::nat)});
  if ((name == "Even" || name == "Odd") && args.size() == 1) {
    const Term n = number(args[0]);
    const Term r = variable("\x03r", n->sort);
    const Term value = name == "Even" ? make(Op::add, {r, r})
                                      : make(Op::add, {make(Op::mul, {literal(2, n->sort), r}), literal(1, n->sort)});
    return quantify(Op::exists, n->sort, name == "Even" ? "r" : "m",
                    abstract(make(Op::eq, {n, value}), r->name, n->sort));
  }
  unsupported(s, "unknown '" + name + "'");
}

Term Elaborator::formula(const Syntax& given) {
  const Syntax& s = bare(given);
  try {
    if (s.kind == Kind::infix) {
      static constexpr std::array<std::pair<std::string_view, Op>, 4> connectives = {
          {{"∧", Op::and_}, {"∨", Op::or_}, {"→", Op::imp}, {"↔", Op::iff}}};
      for (const auto& [text, op] : connectives)
        if (s.text == text) return make(op, {formula(s.kids[0]), formula(s.kids[1])});
      if (s.text == "=") return relation(s, Op::eq, s.kids[0], s.kids[1]);
      if (s.text == "≠") return negation(relation(s, Op::eq, s.kids[0], s.kids[1]));
      if (s.text == "<") return relation(s, Op::lt, s.kids[0], s.kids[1]);
      if (s.text == "≤") return relation(s, Op::le, s.kids[0], s.kids[1]);
      // a > b is b < a by definition; the sides are elaborated together either way.
      if (s.text == ">") return relation(s, Op::lt, s.kids[1], s.kids[0]);
      if (s.text == "≥") return relation(s, Op::le, s.kids[1], s.kids[0]);
      if (s.text == "∣") return relation(s, Op::dvd, s.kids[0], s.kids[1]);
      if (s.text == "∈") return membership(s.kids[0], s.kids[1]);
      unsupported(s, "expected a formula");
    }
    if (s.is(Kind::prefix, "¬")) return negation(formula(s.kids[0]));
    if (s.kind == Kind::binder && s.text != "fun") return binder(s, 0);
    if (s.kind == Kind::modular) {
      const Sort sort = s.text == "MOD" ? Sort::nat : Sort::integer;
      const Term m = number(s.kids[2], sort);
      return make(Op::eq, {make(Op::mod, {number(s.kids[0], sort), m}), make(Op::mod, {number(s.kids[1], sort), m})});
    }
    if (s.kind == Kind::typed && s.kids.size() == 2) return formula(s.kids[0]);
    const Call c = call_of(s);
    if (c.head.empty()) unsupported(s, "expected a formula");
    return predicate(s, c.head, c.args);
  } catch (const IllFormed& e) {
    unsupported(s, e.what());
  }
}

}  // namespace posttrain::lean

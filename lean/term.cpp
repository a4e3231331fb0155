#include "lean/term.h"

#include <algorithm>

namespace posttrain::lean {
namespace {

constexpr int max_size = 60000, max_depth = 600;

uint64_t mix(uint64_t h, uint64_t v) {
  h ^= v + 0x9E3779B97F4A7C15ull + (h << 6) + (h >> 2);
  return h * 0xBF58476D1CE4E5B9ull;
}

bool is_quantifier(Op op) {
  return op == Op::forall || op == Op::exists;
}
bool is_fold(Op op) {
  return op == Op::sum || op == Op::prod;
}
// Whether argument i stands under the node's binder.
int binds(Op op, size_t i) {
  return (is_quantifier(op) && i == 0) || (is_fold(op) && i == 2) ? 1 : 0;
}

[[noreturn]] void ill_sorted(const std::string& what, const std::vector<Term>& args) {
  std::string text = what + " of sorts";
  for (const Term& a : args) text += std::string(" ") + sort_name(a->sort);
  throw IllFormed(text);
}

}  // namespace

const char* sort_name(Sort sort) {
  switch (sort) {
    case Sort::prop:
      return "Prop";
    case Sort::nat:
      return "ℕ";
    case Sort::integer:
      return "ℤ";
    case Sort::rational:
      return "ℚ";
    case Sort::real:
      return "ℝ";
    case Sort::complex:
      return "ℂ";
  }
  return "?";
}

Term finish(Node&& node) {
  uint64_t h = mix(
      static_cast<uint64_t>(node.op) * 64 + static_cast<uint64_t>(node.sort) * 8 + static_cast<uint64_t>(node.binder),
      node.value.hash());
  if (node.op == Op::variable) h = mix(h, std::hash<std::string>{}(node.name));
  node.loose = node.op == Op::bound ? static_cast<int>(*node.value.small()) + 1 : 0;
  for (size_t i = 0; i < node.args.size(); ++i) {
    const Node& a = *node.args[i];
    h = mix(h, a.hash);
    node.size += a.size;
    node.depth = std::max(node.depth, a.depth + 1);
    node.loose = std::max(node.loose, a.loose - binds(node.op, i));
  }
  if (node.size > max_size || node.depth > max_depth) throw OutOfBudget("a term is too large");
  node.hash = h;
  Term t;
  t.node_ = std::make_shared<const Node>(std::move(node));
  return t;
}

bool operator==(const Term& a, const Term& b) {
  if (a.node_ == b.node_) return true;
  if (!a.node_ || !b.node_ || a->hash != b->hash) return false;
  return a->op == b->op && a->sort == b->sort && a->binder == b->binder && a->value == b->value &&
         (a->op != Op::variable || a->name == b->name) && a->args == b->args;
}

int compare(const Term& a, const Term& b) {
  if (a == b) return 0;
  if (a->op != b->op) return a->op < b->op ? -1 : 1;
  if (a->sort != b->sort) return a->sort < b->sort ? -1 : 1;
  if (a->op == Op::variable && a->name != b->name) return a->name < b->name ? -1 : 1;
  if (const int c = compare(a->value, b->value)) return c;
  if (a->args.size() != b->args.size()) return a->args.size() < b->args.size() ? -1 : 1;
  for (size_t i = 0; i < a->args.size(); ++i)
    if (const int c = compare(a->args[i], b->args[i])) return c;
  return a->binder < b->binder ? -1 : 1;
}

Term literal(const Rational& value, Sort sort) {
  if (sort == Sort::prop || (is_integral(sort) && !value.is_integer()) || (sort == Sort::nat && value.sign() < 0))
    throw IllFormed("no literal " + value.text() + " of sort " + sort_name(sort));
  return finish({.op = Op::literal, .sort = sort, .name = {}, .value = value, .args = {}});
}

Term variable(const std::string& name, Sort sort, std::vector<Term> args) {
  for (const Term& a : args)
    if (a->sort == Sort::prop) ill_sorted("function " + name + " with arguments", args);
  return finish({.op = Op::variable, .sort = sort, .name = name, .value = {}, .args = std::move(args)});
}

Term bound(int index, Sort sort) {
  return finish({.op = Op::bound, .sort = sort, .name = {}, .value = index, .args = {}});
}

Term make(Op op, std::vector<Term> args) {
  const auto sort = [&](size_t i) { return args[i]->sort; };
  const auto need = [&](bool right, const char* what) {
    if (!right) ill_sorted(what, args);
  };
  const bool unary = op == Op::neg || op == Op::inv || op == Op::abs || op == Op::sqrt || op == Op::nat_sqrt ||
                     op == Op::factorial || op == Op::prime;
  const size_t arity = op == Op::true_ || op == Op::false_ ? 0 : unary ? 1 : op == Op::ite ? 3 : 2;
  if (args.size() != arity) ill_sorted("wrong number of arguments", args);
  const bool same = arity == 2 && sort(0) == sort(1);
  Sort out = Sort::prop;
  switch (op) {
    case Op::add:
    case Op::sub:
    case Op::mul:
    case Op::div:
      need(same && sort(0) != Sort::prop, "arithmetic");
      out = sort(0);
      break;
    case Op::mod:
      need(same && is_integral(sort(0)), "% ");
      out = sort(0);
      break;
    case Op::pow:
      need(sort(0) != Sort::prop && sort(1) == Sort::nat, "power (only natural exponents)");
      out = sort(0);
      break;
    case Op::neg:
      need(sort(0) >= Sort::integer, "negation");
      out = sort(0);
      break;
    case Op::inv:
      need(is_field(sort(0)), "inverse");
      out = sort(0);
      break;
    case Op::abs:
      need(is_ordered(sort(0)) && sort(0) != Sort::nat, "absolute value");
      out = sort(0);
      break;
    case Op::sqrt:
      need(sort(0) == Sort::real, "square root");
      out = Sort::real;
      break;
    case Op::nat_sqrt:
    case Op::factorial:
      need(sort(0) == Sort::nat, "function of naturals");
      out = Sort::nat;
      break;
    case Op::gcd:
    case Op::lcm:
    case Op::choose:
      need(same && sort(0) == Sort::nat, "function of naturals");
      out = Sort::nat;
      break;
    case Op::min:
    case Op::max:
      need(same && is_ordered(sort(0)), "min or max");
      out = sort(0);
      break;
    case Op::ite:
      need(sort(0) == Sort::prop && sort(1) == sort(2) && sort(1) != Sort::prop, "if");
      out = sort(1);
      break;
    case Op::true_:
    case Op::false_:
      break;
    case Op::and_:
    case Op::or_:
    case Op::imp:
    case Op::iff:
      need(same && sort(0) == Sort::prop, "connective");
      break;
    case Op::eq:
      need(same && sort(0) != Sort::prop, "equality");
      break;
    case Op::le:
    case Op::lt:
      need(same && is_ordered(sort(0)), "order");
      break;
    case Op::dvd:
      need(same && is_integral(sort(0)), "divisibility");
      break;
    case Op::prime:
      need(sort(0) == Sort::nat, "Nat.Prime");
      break;
    default:
      throw IllFormed("not an operator");
  }
  return finish({.op = op, .sort = out, .name = {}, .value = {}, .args = std::move(args)});
}

Term cast(const Term& t, Sort to) {
  if (t->sort == to) return t;
  if (t->sort == Sort::prop || to < t->sort) ill_sorted(std::string("cast to ") + sort_name(to), {t});
  return finish({.op = Op::cast, .sort = to, .name = {}, .value = {}, .args = {t}});
}

Term quantify(Op op, Sort binder, const std::string& hint, const Term& body) {
  if (!is_quantifier(op) || binder == Sort::prop || body->sort != Sort::prop) ill_sorted("quantifier", {body});
  return finish({.op = op, .sort = Sort::prop, .binder = binder, .name = hint, .value = {}, .args = {body}});
}

Term fold(Op op, Sort binder, const std::string& hint, const Term& low, const Term& high, const Term& body) {
  if (!is_fold(op) || !is_integral(binder) || low->sort != binder || high->sort != binder || body->sort == Sort::prop)
    ill_sorted("sum or product", {low, high, body});
  return finish({.op = op, .sort = body->sort, .binder = binder, .name = hint, .value = {}, .args = {low, high, body}});
}

Term top() {
  return make(Op::true_, {});
}
Term bottom() {
  return make(Op::false_, {});
}
Term negation(const Term& p) {
  return make(Op::imp, {p, bottom()});
}
bool is_negation(const Term& t) {
  return t->op == Op::imp && t->args[1]->op == Op::false_;
}

Term with_args(const Term& t, std::vector<Term> args) {
  switch (t->op) {
    case Op::literal:
    case Op::bound:
      return t;
    case Op::variable:
      return variable(t->name, t->sort, std::move(args));
    case Op::cast:
      return cast(args[0], t->sort);
    case Op::forall:
    case Op::exists:
      return quantify(t->op, t->binder, t->name, args[0]);
    case Op::sum:
    case Op::prod:
      return fold(t->op, t->binder, t->name, args[0], args[1], args[2]);
    default:
      return make(t->op, std::move(args));
  }
}

namespace {

// Rebuilds t bottom up; leaf(t, depth) answers a replacement or an empty term to go on.
template <class Leaf>
Term rebuild(const Term& t, int depth, const Leaf& leaf) {
  if (Term found = leaf(t, depth)) return found;
  if (t->args.empty()) return t;
  std::vector<Term> args;
  args.reserve(t->args.size());
  bool changed = false;
  for (size_t i = 0; i < t->args.size(); ++i) {
    args.push_back(rebuild(t->args[i], depth + binds(t->op, i), leaf));
    changed |= !(&*args.back() == &*t->args[i]);
  }
  return changed ? with_args(t, std::move(args)) : t;
}

}  // namespace

Term instantiate(const Term& body, const Term& t) {
  if (t->loose != 0) throw IllFormed("instantiation by an open term");
  return rebuild(body, 0, [&](const Term& at, int depth) -> Term {
    if (at->loose <= depth) return at;
    if (at->op != Op::bound) return {};
    const int index = static_cast<int>(*at->value.small());
    if (index > depth) return bound(index - 1, at->sort);
    if (at->sort != t->sort) throw IllFormed("instantiation by a term of another sort");
    return t;
  });
}

Term abstract(const Term& t, const std::string& name, Sort sort) {
  return rebuild(t, 0, [&](const Term& at, int depth) -> Term {
    if (at->op == Op::bound && *at->value.small() >= depth)
      return bound(static_cast<int>(*at->value.small()) + 1, at->sort);
    if (at->op == Op::variable && at->args.empty() && at->sort == sort && at->name == name) return bound(depth, sort);
    return {};
  });
}

Term substitute(const Term& t, const std::string& name, Sort sort, const Term& by) {
  return replace(t, variable(name, sort), by);
}

Term replace(const Term& t, const Term& from, const Term& by) {
  if (from->loose != 0 || by->loose != 0) throw IllFormed("replacement of an open term");
  if (from->sort != by->sort) throw IllFormed("replacement by a term of another sort");
  return rebuild(t, 0, [&](const Term& at, int) -> Term { return at == from ? by : Term(); });
}

void visit(const Term& t, const std::function<bool(const Term&)>& see) {
  if (!see(t)) return;
  for (const Term& a : t->args) visit(a, see);
}

bool occurs(const Term& part, const Term& in) {
  if (in == part) return true;
  return std::ranges::any_of(in->args, [&](const Term& a) { return occurs(part, a); });
}

bool has_variable(const Term& t, const std::string& name) {
  if (t->op == Op::variable && t->name == name) return true;
  return std::ranges::any_of(t->args, [&](const Term& a) { return has_variable(a, name); });
}

}  // namespace posttrain::lean

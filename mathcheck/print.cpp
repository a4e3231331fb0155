#include <algorithm>

#include "mathcheck/tree.h"

namespace posttrain::mathcheck {

const char* to_string(Function function) {
  constexpr const char* names[] = {"sin",   "cos",   "tan",  "cot",       "sec",  "csc",  "asin", "acos",
                                   "atan",  "acot",  "asec", "acsc",      "sinh", "cosh", "tanh", "asinh",
                                   "acosh", "atanh", "ln",   "log",       "exp",  "max",  "min",  "gcd",
                                   "lcm",   "real",  "imag", "conjugate", "sign", "cis",  "det"};
  return names[static_cast<size_t>(function)];
}

const char* to_string(Relation relation) {
  constexpr const char* names[] = {" = ", " != ", " < ", " <= ", " > ", " >= ", " ~ ", " in ", " == ", " -> "};
  return names[static_cast<size_t>(relation)];
}

namespace {

constexpr size_t longest = 160;

std::string joined(const std::vector<std::string>& parts, const char* between) {
  std::string out;
  for (size_t i = 0; i < parts.size(); ++i) out += (i == 0 ? "" : between) + parts[i];
  return out;
}

const char* opening(int bracket) {
  constexpr const char* signs[] = {"(", "[", "{", "<", "{", "floor(", "ceil(", "[", "|"};
  return signs[bracket];
}

const char* closing(int bracket) {
  constexpr const char* signs[] = {")", "]", "}", ">", "}", ")", ")", "]", "|"};
  return signs[bracket];
}

std::string name_of(const Unit& unit) {
  if (unit.noun.starts_with('=')) return unit.noun.substr(1, unit.noun.size() - 2);
  constexpr const char* base[] = {"m", "g", "s", "month", "deg", "cent", "K", "C", "mol", "byte", "day half"};
  std::string out = unit.factor == Rational(1) ? "" : unit.factor.to_string();
  for (size_t d = 0; d < unit.powers.size(); ++d) {
    if (unit.powers[d] == 0) continue;
    out += (out.empty() ? "" : " ") + std::string(base[d]);
    if (unit.powers[d] != 1) out += "^" + std::to_string(unit.powers[d]);
  }
  return out + (unit.noun.empty() ? "" : " " + unit.noun);
}

}  // namespace

std::string Tree::print(int root) const {
  if (root > 3000) return "<expression of " + std::to_string(root) + " nodes>";
  const std::vector<bool> wanted = below(root);
  std::vector<std::string> out(wanted.size());
  for (int node = 0; node <= root; ++node) {
    if (!wanted[static_cast<size_t>(node)]) continue;
    const Node& n = at(node);
    std::vector<std::string> k;
    for (const int child : kids(node)) k.push_back(out[static_cast<size_t>(child)]);
    std::string& s = out[static_cast<size_t>(node)];
    const auto infix = [&](const char* sign) { s = "(" + joined(k, sign) + ")"; };
    const auto called = [&](const std::string& name) { s = name + "(" + joined(k, ", ") + ")"; };
    switch (n.kind) {
      case Kind::number:
        s = literal(node).value.to_string();
        break;
      case Kind::symbol:
      case Kind::text:
        s = name(node);
        break;
      case Kind::pi:
        s = "pi";
        break;
      case Kind::euler:
        s = "e";
        break;
      case Kind::imaginary:
        s = "i";
        break;
      case Kind::infinity:
        s = "oo";
        break;
      case Kind::add:
        infix(" + ");
        break;
      case Kind::sub:
        infix(" - ");
        break;
      case Kind::mul:
        infix("*");
        break;
      case Kind::div:
        infix("/");
        break;
      case Kind::pow:
        infix("^");
        break;
      case Kind::plus_minus:
        infix(" +- ");
        break;
      case Kind::minus_plus:
        infix(" -+ ");
        break;
      case Kind::neg:
        s = "-" + k[0];
        break;
      case Kind::paren:
        s = k[0];
        break;
      case Kind::root:
        called("root");
        break;
      case Kind::factorial:
        s = k[0] + "!";
        break;
      case Kind::double_factorial:
        s = k[0] + "!!";
        break;
      case Kind::abs:
        called("abs");
        break;
      case Kind::floor:
        called("floor");
        break;
      case Kind::ceil:
        called("ceil");
        break;
      case Kind::function:
        called(to_string(static_cast<Function>(n.op)));
        break;
      case Kind::log_base:
        called("log");
        break;
      case Kind::binomial:
        called("binomial");
        break;
      case Kind::sum:
        called("sum");
        break;
      case Kind::product:
        called("product");
        break;
      case Kind::degree:
        s = k[0] + " deg";
        break;
      case Kind::percent:
        s = k[0] + "%";
        break;
      case Kind::quantity:
        s = k[0] + " [" + name_of(unit(node)) + "]";
        break;
      case Kind::phrase:
        s = k[0] + " \"" + name(node) + "\"";
        break;
      case Kind::list:
        s = joined(k, n.op == static_cast<uint8_t>(Separator::or_) ? " or " : ", ");
        break;
      case Kind::bracket:
        s = opening(n.op / 16) + joined(k, ", ") + closing(n.op % 16);
        break;
      case Kind::set:
        s = "{" + joined(k, ", ") + "}";
        break;
      case Kind::given:
        s = joined(k, " | ");
        break;
      case Kind::matrix:
        s = "matrix" + std::to_string(n.index) + "(" + joined(k, ", ") + ")";
        break;
      case Kind::relation:
        for (int i = 0; i < n.count; ++i) {
          if (i > 0) s += to_string(relation(node, i - 1));
          s += k[static_cast<size_t>(i)];
        }
        break;
      case Kind::set_union:
        infix(" union ");
        break;
      case Kind::set_intersection:
        infix(" intersect ");
        break;
      case Kind::set_difference:
        infix(" minus ");
        break;
      case Kind::ratio:
        s = joined(k, ":");
        break;
      case Kind::empty_set:
        s = "{}";
        break;
      case Kind::number_set:
        s = static_cast<char>(n.op);
        break;
      case Kind::call:
        called("call");
        break;
    }
    if (s.size() > longest) s = s.substr(0, longest) + "...";
  }
  return out[static_cast<size_t>(root)];
}

}  // namespace posttrain::mathcheck

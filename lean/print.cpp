#include <array>

#include "lean/term.h"

namespace posttrain::lean {
namespace {

struct Printer {
  std::vector<std::string> names;  // of the bound variables, innermost last

  std::string fresh(const std::string& hint) {
    std::string name = hint.empty() ? "x" : hint;
    for (bool again = true; again;) {
      again = false;
      for (const std::string& other : names) again |= other == name;
      if (again) name += "'";
    }
    return name;
  }

  std::string at(const Term& t, int precedence) {
    int own = 1000;
    const std::string text = body(t, own);
    return own < precedence ? "(" + text + ")" : text;
  }

  std::string infix(const Term& t, const char* op, int left, int right) {
    return at(t->args[0], left) + " " + op + " " + at(t->args[1], right);
  }

  std::string call(const char* name, const Term& t) {
    std::string out = name;
    for (const Term& a : t->args) out += " " + at(a, 1000);
    return out;
  }

  std::string under(const Term& t, const Term& inner, const std::string& head, const std::string& tail) {
    names.push_back(fresh(t->name));
    std::string out = head + names.back() + tail + at(inner, 0);
    names.pop_back();
    return out;
  }

  std::string binary(const Term& t, int& own) {
    struct Infix {
      Op op;
      const char* text;
      int own, left, right;
    };
    static constexpr std::array<Infix, 13> table = {{{Op::add, "+", 65, 65, 66},
                                                     {Op::sub, "-", 65, 65, 66},
                                                     {Op::mul, "*", 70, 70, 71},
                                                     {Op::div, "/", 70, 70, 71},
                                                     {Op::mod, "%", 70, 70, 71},
                                                     {Op::pow, "^", 75, 76, 75},
                                                     {Op::and_, "∧", 35, 36, 35},
                                                     {Op::or_, "∨", 30, 31, 30},
                                                     {Op::iff, "↔", 20, 21, 21},
                                                     {Op::eq, "=", 50, 51, 51},
                                                     {Op::le, "≤", 50, 51, 51},
                                                     {Op::lt, "<", 50, 51, 51},
                                                     {Op::dvd, "∣", 50, 51, 51}}};
    for (const Infix& i : table)
      if (i.op == t->op) {
        own = i.own;
        return infix(t, i.text, i.left, i.right);
      }
    own = 1000;
    return "?";
  }

  std::string body(const Term& t, int& own) {
    switch (t->op) {
      case Op::literal:
        own = t->value.sign() < 0 ? 75 : t->value.is_integer() ? 1000 : 70;
        return t->value.text();
      case Op::variable:
        own = t->args.empty() ? 1000 : 999;
        return call(t->name.substr(0, t->name.find('\x05')).c_str(), t);  // the id's suffix is not for people
      case Op::bound: {
        const auto i = static_cast<size_t>(*t->value.small());
        return i < names.size() ? names[names.size() - 1 - i] : "#" + std::to_string(i);
      }
      case Op::neg:
        own = 75;
        return "-" + at(t->args[0], 75);
      case Op::inv:
        own = 999;
        return at(t->args[0], 1000) + "⁻¹";
      case Op::cast:
        own = 999;
        return "↑" + at(t->args[0], 1000);
      case Op::abs:
        return "|" + at(t->args[0], 0) + "|";
      case Op::factorial:
        own = 999;
        return at(t->args[0], 1000) + " !";
      case Op::imp:
        if (is_negation(t)) {
          if (t->args[0]->op == Op::eq) {
            own = 50;
            return infix(t->args[0], "≠", 51, 51);
          }
          own = 40;
          return "¬" + at(t->args[0], 41);
        }
        own = 25;
        return infix(t, "→", 26, 25);
      case Op::true_:
        return "True";
      case Op::false_:
        return "False";
      case Op::forall:
        own = 0;
        return under(t, t->args[0], "∀ (", std::string(" : ") + sort_name(t->binder) + "), ");
      case Op::exists:
        own = 0;
        return under(t, t->args[0], "∃ (", std::string(" : ") + sort_name(t->binder) + "), ");
      case Op::sum:
      case Op::prod:
        own = 67;
        return under(t, t->args[2], t->op == Op::sum ? "∑ " : "∏ ",
                     " in Finset.Ico " + at(t->args[0], 1000) + " " + at(t->args[1], 1000) + ", ");
      case Op::ite:
        own = 0;
        return "if " + at(t->args[0], 0) + " then " + at(t->args[1], 0) + " else " + at(t->args[2], 0);
      default:
        break;
    }
    static constexpr std::array<std::pair<Op, const char*>, 8> calls = {{{Op::sqrt, "Real.sqrt"},
                                                                         {Op::nat_sqrt, "Nat.sqrt"},
                                                                         {Op::gcd, "Nat.gcd"},
                                                                         {Op::lcm, "Nat.lcm"},
                                                                         {Op::choose, "Nat.choose"},
                                                                         {Op::min, "min"},
                                                                         {Op::max, "max"},
                                                                         {Op::prime, "Nat.Prime"}}};
    for (const auto& [op, name] : calls)
      if (op == t->op) {
        own = 999;
        return call(name, t);
      }
    return binary(t, own);
  }
};

}  // namespace

std::string print(const Term& t) {
  return Printer{}.at(t, 0);
}

}  // namespace posttrain::lean

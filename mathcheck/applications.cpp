#include "mathcheck/applications.h"

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "mathcheck/lexer.h"

namespace posttrain::mathcheck {

namespace {

constexpr size_t most_applications = 40;

// The name without primes and subscripts: f of f_1''.
std::string_view stem(std::string_view name) {
  return name.substr(0, name.find_first_of("'_"));
}

bool customary(std::string_view name) {
  constexpr auto names = std::to_array<std::string_view>(
      {"f",   "g",   "h",    "F",     "G",     "H",      "P",        "Pr",    "Var",   "Cov", "phi", "Phi",
       "psi", "Psi", "zeta", "Gamma", "sigma", "varphi", "vartheta", "omega", "Omega", "mu",  "tau"});
  return std::ranges::count(names, stem(name)) > 0;
}

// Letters that are functions of one plain variable as often as factors: N(t), y(x), E(X).
bool often_function(std::string_view name) {
  constexpr auto names =
      std::to_array<std::string_view>({"E", "u", "v", "y", "x", "N", "I", "Q", "p", "q", "r", "s", "T", "V", "R", "S"});
  return std::ranges::count(names, stem(name)) > 0;
}

struct Application {
  int function;             // node of the symbol, or of its power: f^{-1}(x)
  std::vector<int> inside;  // arguments
  int power = -1;           // f(x)^2
};

class Reader {
 public:
  Reader(Case& c, int a, int b) : c_(c), t_(c.tree), roots_{a, b} {
    for (size_t side = 0; side < 2; ++side) plain_[side] = plain_letters(roots_[side]);
  }

  std::pair<int, int> read() { return {replaced(0), replaced(1)}; }

 private:
  // What the product `node` applies, if it does: its last factor but one to its last.
  std::optional<Application> application(int node, size_t side) const {
    if (t_.kind(node) != Kind::mul || t_.at(node).op != 1) return std::nullopt;
    auto found = candidate(node);
    if (!found || !applies(*found, side)) return std::nullopt;
    return found;
  }

  // A symbol directly before round brackets.
  std::optional<Application> candidate(int node) const {
    Application out;
    int right = t_.kid(node, 1);
    if (t_.kind(right) == Kind::pow) {
      out.power = t_.kid(right, 1);
      right = t_.kid(right, 0);
    }
    constexpr auto round =
        static_cast<uint8_t>(static_cast<int>(Bracket::round) * 16 + static_cast<int>(Bracket::round));
    if ((t_.kind(right) != Kind::paren && t_.kind(right) != Kind::bracket) ||
        (t_.at(right).op != round && t_.at(right).op != 0))
      return std::nullopt;
    out.function = t_.kid(node, 0);
    if (t_.kind(out.function) == Kind::mul && t_.at(out.function).op == 1) out.function = t_.kid(out.function, 1);
    const int symbol = t_.kind(out.function) == Kind::pow ? t_.kid(out.function, 0) : out.function;
    if (t_.kind(symbol) != Kind::symbol) return std::nullopt;
    if (t_.kind(right) == Kind::bracket)
      out.inside.assign(t_.kids(right).begin(), t_.kids(right).end());
    else
      out.inside = {t_.bare(right)};
    return out;
  }

  bool applies(const Application& found, size_t side) const {
    const int symbol = t_.kind(found.function) == Kind::pow ? t_.kid(found.function, 0) : found.function;
    const std::string& name = t_.name(symbol);
    if (found.inside.size() > 1 || numeral(found.inside[0])) return true;
    if (name.find('\'') != std::string::npos) return true;
    const bool plain = t_.kind(found.inside[0]) == Kind::symbol;
    if (!customary(name) && !(often_function(name) && plain)) return false;
    const std::vector<int> own = free_symbols(t_, found.inside[0]);
    if (std::ranges::count(own, t_.at(symbol).index) > 0) return false;  // x(x - 4)
    return std::ranges::count(plain_[1 - side], t_.at(symbol).index) == 0;
  }

  bool numeral(int node) const {
    node = t_.bare(node);
    if (t_.kind(node) == Kind::neg) node = t_.bare(t_.kid(node, 0));
    if (t_.kind(node) == Kind::div) return numeral(t_.kid(node, 0)) && numeral(t_.kid(node, 1));
    return t_.kind(node) == Kind::number || t_.kind(node) == Kind::infinity || t_.kind(node) == Kind::pi;
  }

  // Letters that stand in the formula only as factors, never before a bracket.
  std::vector<int> plain_letters(int root) const {
    const std::vector<bool> below = t_.below(root);
    std::vector<int> before_brackets;
    for (int node = 0; node <= root; ++node) {
      if (!below[static_cast<size_t>(node)] || t_.kind(node) != Kind::mul || t_.at(node).op != 1) continue;
      if (const auto found = candidate(node)) {
        const int symbol = t_.kind(found->function) == Kind::pow ? t_.kid(found->function, 0) : found->function;
        before_brackets.push_back(t_.at(symbol).index);
      }
    }
    std::vector<int> out = free_symbols(t_, root);
    std::erase_if(out, [&](int s) { return std::ranges::count(before_brackets, s) > 0; });
    return out;
  }

  // The formula with its applications replaced, inner ones first: children stand before their parents.
  int replaced(size_t side) {
    const int root = roots_[side];
    return t_.rebuild(root, [&](int node, const std::vector<int>& done) {
      auto found = application(node, side);
      if (!found) return -1;
      c_.budget.spend(100);
      for (int& argument : found->inside) argument = done[static_cast<size_t>(argument)];
      int value = name_of(*found);
      if (found->power >= 0) value = t_.add(Kind::pow, {value, done[static_cast<size_t>(found->power)]});
      const int left = t_.kid(node, 0);
      const bool factors = t_.kind(left) == Kind::mul && t_.at(left).op == 1;  // 2f(x)
      return factors ? t_.add(Kind::mul, {done[static_cast<size_t>(t_.kid(left, 0))], value}, 1) : value;
    });
  }

  int name_of(const Application& found) {
    const std::string function = t_.print(found.function);
    for (const Known& known : known_) {
      if (known.function != function || known.inside.size() != found.inside.size()) continue;
      bool same = true;
      for (size_t i = 0; same && i < found.inside.size(); ++i) {
        const int x = found.inside[i], y = known.inside[i];
        same = t_.is_scalar(x) && t_.is_scalar(y) ? compare_scalars(c_, x, y) == Same::yes : t_.same(x, y);
      }
      if (same) return known.symbol;
    }
    if (known_.size() >= most_applications) throw OverBudget{};
    known_.push_back({function, found.inside, t_.symbol(function + "()" + std::to_string(known_.size()))});
    return known_.back().symbol;
  }

  struct Known {
    std::string function;
    std::vector<int> inside;
    int symbol;
  };

  Case& c_;
  Tree& t_;
  std::array<int, 2> roots_;
  std::array<std::vector<int>, 2> plain_;
  std::vector<Known> known_;
};

}  // namespace

std::pair<int, int> with_applications(Case& c, int a, int b) {
  return Reader(c, a, b).read();
}

}  // namespace posttrain::mathcheck

#include "rewards/math/commands.h"

#include <algorithm>

namespace posttrain::rewards::math {

namespace {

template <class E>
constexpr uint8_t code(E e) {
  return static_cast<uint8_t>(e);
}

using F = Function;
using R = Relation;

// Sorted by name.
constexpr Command commands[] = {
    {"Im", Tok::function, code(F::imag)},
    {"Pr", Tok::symbol},
    {"Re", Tok::function, code(F::real)},
    {"Rightarrow", Tok::relation, code(R::other)},
    {"approx", Tok::relation, code(R::approx)},
    {"arccos", Tok::function, code(F::acos)},
    {"arccosh", Tok::function, code(F::acosh)},
    {"arccot", Tok::function, code(F::acot)},
    {"arccsc", Tok::function, code(F::acsc)},
    {"arcctg", Tok::function, code(F::acot)},
    {"arcosh", Tok::function, code(F::acosh)},
    {"arcsec", Tok::function, code(F::asec)},
    {"arcsin", Tok::function, code(F::asin)},
    {"arcsinh", Tok::function, code(F::asinh)},
    {"arctan", Tok::function, code(F::atan)},
    {"arctanh", Tok::function, code(F::atanh)},
    {"arctg", Tok::function, code(F::atan)},
    {"arsinh", Tok::function, code(F::asinh)},
    {"artanh", Tok::function, code(F::atanh)},
    {"ast", Tok::times},
    {"backslash", Tok::set_difference},
    {"bar", Tok::overline},
    {"because", Tok::unknown},
    {"binom", Tok::binom},
    {"bmod", Tok::mod},
    {"bullet", Tok::times},
    {"cap", Tok::set_intersection},
    {"cdot", Tok::times},
    {"cdots", Tok::dots},
    {"cfrac", Tok::frac},
    {"choose", Tok::choose},
    {"circ", Tok::degree},
    {"cis", Tok::function, code(F::cis)},
    {"colon", Tok::colon},
    {"cong", Tok::relation, code(R::other)},
    {"cos", Tok::function, code(F::cos)},
    {"cosec", Tok::function, code(F::csc)},
    {"cosh", Tok::function, code(F::cosh)},
    {"cot", Tok::function, code(F::cot)},
    {"cr", Tok::row},
    {"csc", Tok::function, code(F::csc)},
    {"ctg", Tok::function, code(F::cot)},
    {"cup", Tok::set_union},
    {"dbinom", Tok::binom},
    {"ddots", Tok::dots},
    {"deg", Tok::degree},
    {"degree", Tok::degree},
    {"det", Tok::function, code(F::det)},
    {"dfrac", Tok::frac},
    {"div", Tok::slash},
    {"dot", Tok::overline},
    {"dots", Tok::dots},
    {"dotsc", Tok::dots},
    {"emptyset", Tok::empty_set},
    {"equiv", Tok::relation, code(R::equivalent)},
    {"exp", Tok::function, code(F::exp)},
    {"flatfrac", Tok::frac},
    {"frac", Tok::frac},
    {"gcd", Tok::function, code(F::gcd)},
    {"ge", Tok::relation, code(R::greater_equal)},
    {"geq", Tok::relation, code(R::greater_equal)},
    {"geqslant", Tok::relation, code(R::greater_equal)},
    {"gt", Tok::relation, code(R::greater)},
    {"hat", Tok::accent},
    {"iff", Tok::relation, code(R::other)},
    {"implies", Tok::relation, code(R::other)},
    {"in", Tok::relation, code(R::in)},
    {"inf", Tok::infinity},
    {"infinity", Tok::infinity},
    {"infty", Tok::infinity},
    {"land", Tok::word},
    {"langle", Tok::open, code(Bracket::angle)},
    {"lbrace", Tok::open, code(Bracket::curly)},
    {"lbrack", Tok::open, code(Bracket::square)},
    {"lceil", Tok::open, code(Bracket::ceil)},
    {"lcm", Tok::function, code(F::lcm)},
    {"ldots", Tok::dots},
    {"le", Tok::relation, code(R::less_equal)},
    {"leftarrow", Tok::relation, code(R::other)},
    {"leq", Tok::relation, code(R::less_equal)},
    {"leqslant", Tok::relation, code(R::less_equal)},
    {"lfloor", Tok::open, code(Bracket::floor)},
    {"lg", Tok::function, code(F::log)},
    {"ln", Tok::function, code(F::ln)},
    {"log", Tok::function, code(F::log)},
    {"lor", Tok::word},
    {"lt", Tok::relation, code(R::less)},
    {"max", Tok::function, code(F::max)},
    {"mid", Tok::given},
    {"min", Tok::function, code(F::min)},
    {"mod", Tok::mod},
    {"mp", Tok::minus_plus},
    {"ne", Tok::relation, code(R::not_equal)},
    {"neq", Tok::relation, code(R::not_equal)},
    {"nicefrac", Tok::frac},
    {"notin", Tok::relation, code(R::other)},
    {"over", Tok::slash},
    {"overline", Tok::overline},
    {"overrightarrow", Tok::accent},
    {"pi", Tok::pi},
    {"pm", Tok::plus_minus},
    {"pmod", Tok::mod},
    {"prime", Tok::prime},
    {"prod", Tok::product},
    {"rangle", Tok::close, code(Bracket::angle)},
    {"rbrace", Tok::close, code(Bracket::curly)},
    {"rbrack", Tok::close, code(Bracket::square)},
    {"rceil", Tok::close, code(Bracket::ceil)},
    {"rfloor", Tok::close, code(Bracket::floor)},
    {"rightarrow", Tok::relation, code(R::other)},
    {"sec", Tok::function, code(F::sec)},
    {"setminus", Tok::set_difference},
    {"sfrac", Tok::frac},
    {"sgn", Tok::function, code(F::sign)},
    {"sim", Tok::relation, code(R::approx)},
    {"simeq", Tok::relation, code(R::approx)},
    {"sin", Tok::function, code(F::sin)},
    {"sinh", Tok::function, code(F::sinh)},
    {"sqrt", Tok::sqrt},
    {"subset", Tok::relation, code(R::other)},
    {"subseteq", Tok::relation, code(R::other)},
    {"sum", Tok::sum},
    {"surd", Tok::sqrt},
    {"tan", Tok::function, code(F::tan)},
    {"tanh", Tok::function, code(F::tanh)},
    {"tbinom", Tok::binom},
    {"tfrac", Tok::frac},
    {"tg", Tok::function, code(F::tan)},
    {"thickapprox", Tok::relation, code(R::approx)},
    {"tilde", Tok::accent},
    {"times", Tok::times},
    {"to", Tok::relation, code(R::other)},
    {"underline", Tok::accent},
    {"varnothing", Tok::empty_set},
    {"vec", Tok::accent},
    {"vert", Tok::bar},
    {"widehat", Tok::accent},
    {"widetilde", Tok::accent},
};

// Words that are commands without a backslash. Longer names only: short ones may be a product of letters.
constexpr std::string_view bare_commands[] = {
    "frac",     "dfrac",    "tfrac",      "sqrt",   "binom",  "cdot", "times",  "pi",       "infty",
    "infinity", "emptyset", "arcsin",     "arccos", "arctan", "sin",  "cos",    "tan",      "cot",
    "sec",      "csc",      "sinh",       "cosh",   "tanh",   "ln",   "log",    "exp",      "lg",
    "max",      "min",      "gcd",        "lcm",    "leq",    "geq",  "neq",    "setminus", "overline",
    "cup",      "cap",      "circ",       "langle", "rangle", "inf",  "lfloor", "rfloor",   "lceil",
    "rceil",    "approx",   "varnothing", "pm",     "mp",     "mod",
};

}  // namespace

const Command* find_command(std::string_view name) {
  const auto* found = std::ranges::lower_bound(commands, name, {}, &Command::name);
  return found != std::end(commands) && found->name == name ? found : nullptr;
}

bool is_bare_command(std::string_view word) {
  return std::ranges::find(bare_commands, word) != std::end(bare_commands);
}

}  // namespace posttrain::rewards::math

// Types by name, and whole statements.
#include <array>

#include "lean/elaborate.h"

namespace posttrain::lean {
using Kind = Syntax::Kind;

namespace {

std::optional<Sort> sort_of_name(std::string_view name) {
  static constexpr std::array<std::pair<std::string_view, Sort>, 6> table = {{{"Nat", Sort::nat},
                                                                              {"Int", Sort::integer},
                                                                              {"Rat", Sort::rational},
                                                                              {"Real", Sort::real},
                                                                              {"Complex", Sort::complex},
                                                                              {"Prop", Sort::prop}}};
  for (const auto& [text, sort] : table)
    if (text == name) return sort;
  return std::nullopt;
}

}  // namespace

std::optional<Variable> Elaborator::type(const Syntax& given) {
  const Syntax& s = bare(given);
  Variable v;
  if (s.kind == Kind::name) {
    const auto sort = sort_of_name(s.text);
    if (!sort) return std::nullopt;
    v.sort = *sort;
    return v;
  }
  if (!s.is(Kind::infix, "→")) return std::nullopt;
  const auto from = type(s.kids[0]), to = type(s.kids[1]);
  if (!from || !to || !from->args.empty() || from->sort == Sort::prop) return std::nullopt;
  v = *to;
  v.args.insert(v.args.begin(), from->sort);
  return v;
}

Statement read_statement(std::string_view source) {
  Parser p(source);
  Statement out;
  if (!p.accept("theorem")) p.expect("lemma");
  out.name = p.name();
  Elaborator elaborator({});
  for (const Syntax& b : p.binders()) {
    if (auto v = Elaborator::type(b.kids[0])) {
      v->name = v->id = b.text;
      for (const Variable& other : out.variables)
        if (other.id == v->id) v->id += "✝";
      elaborator.push(*v);
      out.variables.push_back(std::move(*v));
    } else {
      out.hypotheses.emplace_back(b.text, elaborator.formula(b.kids[0]));
    }
  }
  p.expect(":");
  out.goal = elaborator.formula(p.term());
  if (p.accept(":=") && p.accept("by") && !p.at_end()) {
    const Place place = p.token().place;
    if (p.name() != "sorry") throw SyntaxError("a statement with a proof", place);
  }
  if (!p.at_end()) p.fail("the end of the statement");
  return out;
}

}  // namespace posttrain::lean

#include "lean/lemmas.h"

#include <algorithm>
#include <map>
#include <string>

#include "lean/elaborate.h"
#include "lean/theorem.h"

namespace posttrain::lean {
namespace {

struct Entry {
  Term statement;
  std::vector<bool> implicit;
};

std::string with_sort(std::string_view text, std::string_view sort) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    if (text.substr(i).starts_with("α")) {
      out += sort;
      i += std::string_view("α").size();
    } else {
      out += text[i++];
    }
  }
  return out;
}

Entry parse(const Lemma& lemma, Sort sort) {
  const std::string source = "theorem lemma_ " + with_sort(lemma.text, sort_name(sort));
  const Statement s = read_statement(source);
  Entry out;
  Parser p(source);
  p.accept("theorem");
  p.name();
  const std::vector<Syntax> binders = p.binders();
  out.statement = s.goal;
  size_t variable = s.variables.size(), hypothesis = s.hypotheses.size();
  for (size_t i = binders.size(); i-- > 0;) {  // in the binders' own order
    if (Elaborator::type(binders[i].kids[0])) {
      const Variable& v = s.variables[--variable];
      out.statement = quantify(Op::forall, v.sort, v.name, abstract(out.statement, v.id, v.sort));
      out.implicit.insert(out.implicit.begin(), binders[i].kids.size() > 1);
    } else {
      out.statement = make(Op::imp, {s.hypotheses[--hypothesis].second, out.statement});
    }
  }
  return out;
}

// All entries, parsed once; immutable afterwards.
const std::map<std::pair<std::string_view, Sort>, Entry>& entries() {
  static const auto table = [] {
    std::map<std::pair<std::string_view, Sort>, Entry> out;
    for (const Lemma& lemma : lemma_table())
      for (const Sort sort : lemma_sorts(lemma)) out.emplace(std::pair(lemma.name, sort), parse(lemma, sort));
    return out;
  }();
  return table;
}

}  // namespace

const Lemma* find_lemma(std::string_view name) {
  const auto table = lemma_table();
  const auto at = std::ranges::find(table, name, &Lemma::name);
  return at == table.end() ? nullptr : &*at;
}

std::vector<Sort> lemma_sorts(const Lemma& lemma) {
  std::vector<Sort> out;
  for (const char c : lemma.sorts)
    out.push_back(c == 'N'   ? Sort::nat
                  : c == 'Z' ? Sort::integer
                  : c == 'Q' ? Sort::rational
                  : c == 'R' ? Sort::real
                             : Sort::complex);
  return out;
}

Term lemma_statement(std::string_view name, Sort sort) {
  const auto at = entries().find({name, sort});
  return at == entries().end() ? Term() : at->second.statement;
}

std::vector<bool> lemma_implicits(std::string_view name) {
  const Lemma* lemma = find_lemma(name);
  if (lemma == nullptr) return {};
  return entries().at({lemma->name, lemma_sorts(*lemma).front()}).implicit;
}

}  // namespace posttrain::lean

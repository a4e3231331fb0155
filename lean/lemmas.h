// Named facts with Mathlib's names and binders. Their statements are trusted: each is tested on random values.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "lean/term.h"

namespace posttrain::lean {

struct Lemma {
  std::string_view name;
  std::string_view sorts;  // of NZQRC: those that α may be; a text without α has one
  std::string_view text;   // "{a b : α} (h : 0 < a) : ..."
};

std::span<const Lemma> lemma_table();
const Lemma* find_lemma(std::string_view name);
std::vector<Sort> lemma_sorts(const Lemma& lemma);
// ∀ variables, hypotheses → goal; an empty term when there is none of that name and sort.
Term lemma_statement(std::string_view name, Sort sort);
// For each leading variable, whether it is implicit.
std::vector<bool> lemma_implicits(std::string_view name);

}  // namespace posttrain::lean

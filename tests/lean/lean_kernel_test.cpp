// The proof kernel: what it proves, what it must refuse, where it says the first error is.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/rng.h"
#include "lean/check.h"
#include "lean/eval.h"
#include "lean/lemmas.h"
#include "lean/theorem.h"
#include "tests/lean/lean_statements.h"

namespace posttrain::lean {
namespace {

ProofVerdict verdict(const std::string& statement, const std::string& proof) {
  return check_proof("theorem t " + statement, proof).verdict;
}

void expect_proved(const std::string& statement, const std::string& proof) {
  const ProofCheck c = check_proof("theorem t " + statement, proof);
  std::string goals;
  for (const std::string& g : c.goals) goals += "\n" + g;
  EXPECT_EQ(c.verdict, ProofVerdict::proved) << statement << "\n" << proof << "\n" << c.message << goals;
}

void expect_refused(const std::string& statement, const std::string& proof) {
  EXPECT_NE(verdict(statement, proof), ProofVerdict::proved) << statement << "\n" << proof;
}

TEST(LeanKernel, ProvesPropositionsByTheirStructure) {
  expect_proved("(p q : Prop) (h : p ∧ q) : q ∧ p", "exact ⟨h.2, h.1⟩");
  expect_proved("(p q : Prop) (h : p ∧ q) : q ∧ p", "constructor\n· exact h.right\n· exact h.left");
  expect_proved("(p q : Prop) (h : p ∨ q) : q ∨ p", "rcases h with h | h\n· right; exact h\n· left; exact h");
  expect_proved("(p q : Prop) (h : p ∨ q) : q ∨ p",
                "cases h with\n| inl h => exact Or.inr h\n| inr h => exact Or.inl h");
  expect_proved("(p : Prop) : p ∨ ¬p", "by_cases h : p\n· left; exact h\n· right; exact h");
  expect_proved("(p q r : Prop) : (p → q) → (q → r) → p → r", "intro f g h\nexact g (f h)");
  expect_proved("(p q r : Prop) : (p → q) → (q → r) → p → r", "tauto");
  expect_proved("(p q : Prop) (h : ¬(p ∨ q)) : ¬p ∧ ¬q", "tauto");
  expect_refused("(p q : Prop) (h : p ∨ q) : p", "rcases h with h | h <;> exact h");
  expect_refused("(p q : Prop) : (p → q) → q", "tauto");
}

TEST(LeanKernel, ProvesArithmetic) {
  expect_proved("(a b : Nat) (h : a <= b) : a + 1 <= b + 1", "omega");
  expect_proved("(x y : ℝ) (h₀ : x + y = 7) (h₁ : 3 * x + y = 45) : x = 19", "linarith");
  expect_proved("(x y : ℝ) : 2 * (x * y) ≤ x ^ 2 + y ^ 2", "nlinarith [sq_nonneg (x - y)]");
  expect_proved("(a b : ℂ) : (a + b) ^ 2 = a ^ 2 + 2 * a * b + b ^ 2", "ring");
  expect_proved("(n : ℕ) (h₀ : n % 7 = 5) : 5 * n % 7 = 4", "omega");
  expect_proved(": 1999 ^ 2000 % 5 = 1", "norm_num");
  expect_proved("(n : ℕ) : (∑ k in Finset.range n, 2 * k) + n = n ^ 2",
                "induction n with\n| zero => simp\n| succ n ih =>\n  rw [Finset.sum_range_succ]\n  linarith");
  expect_proved("(x : ℕ) (h : x < 100) (h2 : x * 9 % 100 = 1) : x = 89", "interval_cases x <;> omega");
  expect_proved("(n : ℕ) : ∃ m, m > n", "use n + 1\nlinarith");
  expect_proved("(a b c : Nat) (h : a < b) (h2 : b ≤ c) : a < c", "calc a < b := h\n  _ ≤ c := h2");
  expect_proved("(x : ℝ) (h : 0 < x) : 0 < x / 2 + x ^ 2", "positivity");
  expect_proved("(x : ℝ) (h : x ≠ 0) : x / x = 1", "field_simp");
  expect_proved("(x p : ℝ) (h₀ : x < 2) (h₁ : abs (x - 2) = p) : x - p = 2 - 2 * p",
                "rw [abs_of_neg (by linarith)] at h₁\nlinarith");
}

TEST(LeanKernel, CopiesLeansConventionsForNumbers) {
  expect_proved(": 2 - 5 = 0", "norm_num");  // naturals: lone numerals, truncated
  expect_refused(": 2 - 5 + 5 = 2", "norm_num");
  expect_refused("(a : Nat) : a - 1 + 1 = a", "omega");
  expect_proved("(a : Nat) (h : 0 < a) : a - 1 + 1 = a", "omega");
  expect_proved(": (7 : ℤ) / 0 = 0", "norm_num");
  expect_proved("(x : ℝ) : x / 0 = 0", "norm_num");
  expect_refused("(x : ℝ) : x / x = 1", "field_simp");
  expect_refused("(x : ℝ) : x * x⁻¹ = 1", "ring");
  expect_proved(": (-7 : ℤ) / 2 = -4", "norm_num");
  expect_proved(": (-7 : ℤ) % 2 = 1", "decide");
  expect_proved(": (7 : ℤ) / -2 = -3", "decide");
  expect_proved(": (7 : ℕ) % 0 = 7", "decide");
  expect_proved(": 1 / 2 = 0", "norm_num");  // of naturals
  expect_proved(": (1 : ℚ) / 2 + 1 / 2 = 1", "norm_num");
  expect_proved("(a b : ℕ) (h : (a : ℝ) + b = 3) : a + b = 3", "linarith");
  expect_refused("(a b : ℕ) : ((a - b : ℕ) : ℤ) = a - b", "ring");
  expect_proved("(a b : ℕ) : (a - b : ℤ) = a + -b", "ring");
}

TEST(LeanKernel, AnExpectedTypeReachesIntoSumsAndLargest) {
  // In Lean the ascription is the expected type of the whole: k / 2 is a quotient of reals here, and 0 - 1 is -1.
  expect_refused(": (∑ k in Finset.range 4, k / 2 : ℝ) = 2", "norm_num [Finset.sum_range_succ]");
  expect_proved(": (∑ k in Finset.range 4, k / 2 : ℝ) = 3", "norm_num [Finset.sum_range_succ]");
  expect_proved(": (∑ k in Finset.range 3, (k - 1) : ℤ) = 0", "decide");
  expect_refused(": (∏ k in Finset.range 1, (k - 1) : ℤ) = 0", "decide");
  expect_refused("(n : ℕ) (h : n = 3) : (max (n / 2) 0 : ℝ) = 1", "subst h; norm_num");
  expect_refused("(n : ℕ) (h : n = 3) : (|n / 2| : ℝ) = 1", "subst h; norm_num");
  expect_refused("(f : ℝ → ℝ) (h : ∀ x, f x = x) : f (∑ j in Finset.range 4, j / 2) = 2",
                 "rw [h]\nnorm_num [Finset.sum_range_succ]");
  expect_refused("(a b : ℕ) (h : a = 1) (g : b = 2) : (min (a - b) 0 : ℤ) = 0", "subst h g; norm_num");
  // Sides of a relation and leaves of a sum are elaborated on their own: whole quotients.
  expect_proved("(x : ℝ) (h : x = ∑ k in Finset.range 4, k / 2) : x = 2", "rw [h]; norm_num [Finset.sum_range_succ]");
}

TEST(LeanKernel, ReadsNumeralsOfAnyLengthThatAReplyHas) {
  expect_proved(": ∃ n : ℕ, n > 5", "use " + std::string(2001, '7') + "\nnorm_num");
  expect_refused(": ∃ n : ℕ, n > 5", "use " + std::string(200'000, '7'));
  expect_refused(": " + std::string(200'000, '7') + " = 3", "norm_num");
}

TEST(LeanKernel, SaysWhereTheFirstErrorIsAndWhatWasAccepted) {
  const std::string proof = "constructor\n· exact h.1\n· exact h.1";
  const ProofCheck c = check_proof("theorem t (p q : Prop) (h : p ∧ q) : p ∧ q", proof);
  EXPECT_EQ(c.verdict, ProofVerdict::wrong);
  EXPECT_EQ(c.error_line, 3);
  EXPECT_EQ(c.error_column, 2);
  EXPECT_EQ(proof.substr(0, c.accepted_bytes), "constructor\n· exact h.1\n· ");
  ASSERT_EQ(c.goals.size(), 1u);
  EXPECT_NE(c.goals[0].find("⊢ q"), std::string::npos) << c.goals[0];

  const ProofCheck open = check_proof("theorem t (p q : Prop) (h : p ∧ q) : p ∧ q", "constructor\n· exact h.1");
  EXPECT_EQ(open.verdict, ProofVerdict::incomplete);
  ASSERT_EQ(open.goals.size(), 1u);
  EXPECT_NE(open.goals[0].find("⊢ q"), std::string::npos);
}

TEST(LeanKernel, RefusesWhatItDoesNotKnowWithoutJudging) {
  EXPECT_EQ(verdict("(x : ℝ) : Real.sin x ≤ 1", "simp"), ProofVerdict::unsupported);
  EXPECT_EQ(verdict("(x : ℝ) : x ≤", "simp"), ProofVerdict::unsupported);
  EXPECT_EQ(verdict(": 1 + 1 = 2", "aesop?"), ProofVerdict::wrong);
  EXPECT_EQ(verdict(": 1 + 1 = 2", ""), ProofVerdict::wrong);
  EXPECT_EQ(verdict(": 1 + 1 = 3", "sorry"), ProofVerdict::wrong);
}

TEST(LeanKernel, EndsOnHostileInput) {
  const std::string deep(3000, '(');
  EXPECT_NE(verdict(": " + deep, "simp"), ProofVerdict::proved);
  EXPECT_NE(verdict(": 2 ^ 2 ^ 2 ^ 2 ^ 2 ^ 2 = 1", "norm_num"), ProofVerdict::proved);
  EXPECT_NE(verdict(": Nat.factorial (Nat.factorial 100) = 1", "decide"), ProofVerdict::proved);
  EXPECT_NE(verdict("(x y z : ℝ) : (x + y + z + 1) ^ 900 = 1", "ring"), ProofVerdict::proved);
  EXPECT_NE(verdict("(x : ℕ) (h : x < 1000000) : x = 1", "interval_cases x <;> omega"), ProofVerdict::proved);
  std::string nested = "skip";
  for (int i = 0; i < 400; ++i) nested = "repeat (" + nested + ")";
  EXPECT_NE(verdict(": 1 = 2", nested), ProofVerdict::proved);
}

// The statements of lemma_table.cpp are trusted, so each is tried on random values.
TEST(LeanKernel, TrustsOnlyLemmasThatHoldOnRandomValues) {
  Rng rng({7});
  int decided = 0;
  for (const Lemma& lemma : lemma_table())
    for (const Sort sort : lemma_sorts(lemma)) {
      for (int trial = 0; trial < 60; ++trial) {
        Term t = lemma_statement(lemma.name, sort);
        while (t->op == Op::forall || t->op == Op::imp) {
          if (t->op == Op::imp) break;
          const Rational n = rng.integer(t->binder == Sort::nat ? 0 : -4, 5);
          const Rational value = t->binder >= Sort::rational ? n / Rational(rng.integer(1, 3)) : n;
          t = instantiate(t->args[0], literal(value, t->binder));
        }
        // Premises before later variables: instantiate under them too.
        const std::function<Term(const Term&)> fill = [&](const Term& at) -> Term {
          if (at->op == Op::forall) return fill(instantiate(at->args[0], literal(rng.integer(0, 4), at->binder)));
          if (at->op == Op::imp && at->args[1]->op != Op::false_)
            return make(Op::imp, {at->args[0], fill(at->args[1])});
          return at;
        };
        t = fill(t);
        Budget budget(100000);
        const auto truth = decide(t, budget);
        if (!truth) continue;
        ++decided;
        ASSERT_TRUE(*truth) << lemma.name << ": " << print(t);
      }
    }
  EXPECT_GT(decided, 10000);
}

// Statements with a known counterexample, under random scripts. POSTTRAIN_LEAN_FALSE sets how many.
TEST(LeanKernel, AcceptsNoFalseStatementUnderRandomScripts) {
  const char* given = std::getenv("POSTTRAIN_LEAN_FALSE");
  const int wanted = given != nullptr ? std::atoi(given) : 12000;
  int wrong = 0, others = 0, proved = 0;
  for (uint64_t i = 0; wrong < wanted; ++i) {
    Rng rng({20261122, i});
    const testing::RandomStatement s = testing::random_statement(rng);
    for (int script = 0; script < 2; ++script) {
      const std::string proof = testing::random_script(rng, s);
      const ProofCheck c = check_proof(s.text, proof, {200000});
      if (s.is_false) {
        ASSERT_NE(c.verdict, ProofVerdict::proved) << s.text << "\n" << proof;
      } else {
        ++others;
        proved += c.verdict == ProofVerdict::proved ? 1 : 0;
      }
    }
    wrong += s.is_false ? 1 : 0;
  }
  EXPECT_GT(proved, others / 50) << "the scripts prove nothing, so the test says nothing";
  std::printf("%d false statements: 0 accepted; %d scripts on statements without a counterexample: %d proofs\n", wrong,
              others, proved);
}

TEST(LeanKernel, AgreesWithAnExactEvaluatorOnClosedArithmetic) {
  int proved = 0;
  for (uint64_t i = 0; i < 1500; ++i) {
    Rng rng({3, i});
    const testing::ClosedFact f = testing::random_closed_fact(rng);
    for (const char* tactic : {"norm_num", "decide", "omega", "ring", "rfl"}) {
      const bool accepted = check_proof(f.text, tactic).verdict == ProofVerdict::proved;
      ASSERT_FALSE(accepted && !f.holds) << f.text << " by " << tactic;
      if (std::string(tactic) == "decide") {
        EXPECT_EQ(accepted, f.holds) << f.text;
      }
      proved += accepted ? 1 : 0;
    }
  }
  EXPECT_GT(proved, 500);
}

TEST(LeanKernel, ClosesTheListedStatementsOfMiniF2F) {
  const std::filesystem::path data = POSTTRAIN_SOURCE_DIR "/../shared/data/minif2f/minif2f.jsonl";
  if (!std::filesystem::exists(data)) GTEST_SKIP() << "no ../shared/data";
  std::map<std::string, std::string> statements;
  const auto lines = [](const std::filesystem::path& file, const std::function<void(const Json&)>& each) {
    const std::string text = read_file(file);
    for (size_t at = 0; at < text.size();) {
      const size_t end = std::min(text.find('\n', at), text.size());
      if (end > at) each(parse_json(text.substr(at, end - at), file.string()));
      at = end + 1;
    }
  };
  lines(data, [&](const Json& row) { statements[row["name"]] = row["formal_statement"]; });
  int closed = 0;
  lines(POSTTRAIN_SOURCE_DIR "/tests/lean/minif2f_scripts.jsonl", [&](const Json& row) {
    const ProofCheck c = check_proof(statements.at(row["name"]), row["proof"].get<std::string>());
    EXPECT_EQ(c.verdict, ProofVerdict::proved) << row["name"] << "\n" << c.message;
    closed += c.verdict == ProofVerdict::proved ? 1 : 0;
  });
  EXPECT_GE(closed, 100);
  std::printf("%d of %zu statements closed\n", closed, statements.size());
}

}  // namespace
}  // namespace posttrain::lean

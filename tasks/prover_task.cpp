#include "tasks/prover_task.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/error.h"
#include "base/shuffle.h"
#include "tasks/chain_task.h"

namespace posttrain::tasks {
namespace {

// A formula in the prompt's spelling; compound ones are put in parentheses when they are parts.
struct Formula {
  std::string text;
  char op = 0;  // & | > or 0
  std::vector<Formula> parts = {};

  std::string inner() const { return op == 0 ? text : "(" + text + ")"; }
};

Formula join(char op, const Formula& a, const Formula& b) {
  return {a.inner() + op + b.inner(), op, {a, b}};
}

Formula random_formula(Rng& rng, int64_t depth) {
  if (depth == 0 || rng.chance(0.6)) return {std::string(1, "pqr"[rng.integer(0, 2)])};
  return join("&|>"[rng.integer(0, 2)], random_formula(rng, depth - 1), random_formula(rng, depth - 1));
}

struct Hypothesis {
  std::string name;
  Formula formula;
};

struct Sequent {
  std::vector<Hypothesis> hypotheses;
  Formula goal;
  std::vector<std::string> proof;  // steps
  bool arithmetic = false;
  int64_t depth = 0;

  std::string prompt() const {
    std::string out;
    for (const Hypothesis& h : hypotheses) out += (out.empty() ? "" : ";") + h.name + ":" + h.formula.text;
    return out + ":" + goal.text + "=";
  }
  std::string statement() const {
    std::string out = arithmetic ? "theorem t (x y z : Nat)" : "theorem t (p q r : Prop)";
    for (const Hypothesis& h : hypotheses) out += " (" + h.name + " : " + spelled(h.formula) + ")";
    return out + " : " + spelled(goal);
  }
  std::string script() const {
    std::string out;
    for (const std::string& step : proof) out += (out.empty() ? "" : ";") + step;
    return out;
  }

  static std::string spelled(const Formula& f) {
    if (f.op == 0) return f.text;
    const char* op = f.op == '&' ? " /\\ " : f.op == '|' ? " \\/ " : " -> ";
    const auto part = [](const Formula& p) { return p.op == 0 ? spelled(p) : "(" + spelled(p) + ")"; };
    return part(f.parts[0]) + op + part(f.parts[1]);
  }
};

// Makes a goal together with its proof, adding the hypotheses that the proof uses.
class Maker {
 public:
  explicit Maker(Rng& rng) : rng_(rng) {}

  Sequent make(int64_t depth) {
    Sequent s;
    s.depth = depth;
    s.goal = goal(depth, s.proof);
    // One hypothesis that is not needed, and all of them in random order.
    if (given_.size() < 3 && rng_.chance(0.6)) given(random_formula(rng_, 1));
    shuffle(given_, rng_);
    s.hypotheses = given_;
    return s;
  }

 private:
  std::string given(const Formula& f) {
    for (const Hypothesis& h : given_)
      if (h.formula.text == f.text) return h.name;
    given_.push_back({std::string(1, "abcd"[std::min<size_t>(given_.size(), 3)]), f});
    return given_.back().name;
  }

  // A term that proves `f`, from hypotheses that are put in.
  std::string term(const Formula& f, int64_t depth) {
    const int64_t kind = given_.size() >= 3 ? 0 : rng_.integer(0, depth > 0 ? 3 : 1);
    if (kind == 1) {
      const bool left = rng_.chance(0.5);
      const Formula other = random_formula(rng_, 0);
      return given(left ? join('&', f, other) : join('&', other, f)) + (left ? ".1" : ".2");
    }
    if (kind >= 2) {
      const Formula premise = random_formula(rng_, 0);
      const std::string rule = given(join('>', premise, f));
      const std::string proof = term(premise, depth - 1);
      return rule + " " + (proof.find(' ') == std::string::npos ? proof : "(" + proof + ")");
    }
    return given(f);
  }

  Formula goal(int64_t depth, std::vector<std::string>& proof) {
    const int64_t kind = depth <= 0 || given_.size() >= 3 ? 0 : rng_.integer(0, 4);
    if (kind == 1) {
      proof.emplace_back("constructor");
      const Formula a = goal(depth - 1, proof), b = goal(depth - 1, proof);
      return join('&', a, b);
    }
    if (kind == 2) {
      const bool left = rng_.chance(0.5);
      proof.emplace_back(left ? "left" : "right");
      const Formula a = goal(depth - 1, proof), b = random_formula(rng_, 0);
      return left ? join('|', a, b) : join('|', b, a);
    }
    if (kind == 3) {
      const Formula premise = random_formula(rng_, 1);
      const std::string name(1, "hijk"[std::min<int64_t>(introduced_++, 3)]);
      proof.push_back("intro " + name);
      if (introduced_ < 4 && rng_.chance(0.5)) {
        proof.push_back("exact " + name);
        return join('>', premise, premise);
      }
      return join('>', premise, goal(depth - 1, proof));
    }
    Formula f = random_formula(rng_, depth > 1 ? 1 : 0);
    proof.push_back("exact " + term(f, depth));
    return f;
  }

  Rng& rng_;
  std::vector<Hypothesis> given_;
  int64_t introduced_ = 0;
};

std::string number(int64_t n) {
  return std::to_string(n);
}

// True sequents about naturals, one decision procedure each: "omega" for order, "ring" for identities.
Sequent arithmetic(Rng& rng) {
  constexpr std::array<const char*, 3> names = {"x", "y", "z"};
  const std::string x = names[static_cast<size_t>(rng.integer(0, 2))],
                    y = names[static_cast<size_t>(rng.integer(0, 2))];
  const int64_t k = rng.integer(1, 9), extra = rng.integer(0, 9 - k);
  Sequent s;
  s.arithmetic = true;
  s.depth = 1;
  if (rng.chance(0.5)) {
    const int64_t more = rng.integer(0, 3);
    s.hypotheses = {{"a", {more > 0 ? x + "+" + number(more) + ">" + y : x + ">" + y}}};
    s.goal = {x + "+" + number(more + k + extra) + ">" + y + "+" + number(k)};
    s.proof = {"omega"};
  } else {
    s.hypotheses = {};
    const std::string b = y + "+" + number(1 + extra);
    s.goal = {x + "*(" + b + ")+" + number(k) + "*" + y + "=" + x + "*" + y + "+" + number(k) + "*" + y + "+" +
              number(1 + extra) + "*" + x};
    s.proof = {"ring"};
  }
  return s;
}

Sequent sequent_of(const ProverSettings& settings, text::Split split, Rng& rng) {
  for (;;) {
    Sequent s = rng.chance(settings.arithmetic) ? arithmetic(rng)
                                                : Maker(rng).make(rng.integer(settings.min_depth, settings.max_depth));
    if (ChainTask::split(s.prompt()) == split) return s;
  }
}

std::string random_step(Rng& rng, const Sequent& s) {
  const auto hypothesis = [&] {
    return s.hypotheses.empty()
               ? std::string("h")
               : s.hypotheses[static_cast<size_t>(rng.integer(0, static_cast<int64_t>(s.hypotheses.size()) - 1))].name;
  };
  switch (rng.integer(0, 9)) {
    case 0:
      return "constructor";
    case 1:
      return "left";
    case 2:
      return "right";
    case 3:
      return "intro h";
    case 4:
      return "omega";
    case 5:
      return "ring";
    case 6:
      return "exact " + hypothesis() + (rng.chance(0.5) ? ".1" : ".2");
    case 7:
      return "exact " + hypothesis() + " " + hypothesis();
    default:
      return "exact " + hypothesis();
  }
}

}  // namespace

void ProverMix::visit(Visitor& v) {
  v("proofs", proofs, {.doc = "Share of right proofs", .min = 0});
  v("broken", broken, {.doc = "Share of proofs with a step changed or missing", .min = 0});
  v("guess", guess, {.doc = "Share of single likely steps, mostly wrong", .min = 0});
}

void ProverSettings::visit(Visitor& v) {
  v("min_depth", min_depth, {.doc = "Depth of the easiest proofs", .min = 0, .max = 6});
  v("max_depth", max_depth, {.doc = "Depth of the hardest proofs", .min = 0, .max = 6});
  v("arithmetic", arithmetic, {.doc = "Share of sequents about numbers", .min = 0, .max = 1});
  v("mix", mix, {.doc = "Shares of the corpus by kind of document"});
}

void ProverSettings::check(const Complain& complain) const {
  if (min_depth > max_depth) complain("max_depth", "expected at least min_depth");
  if (mix.proofs + mix.broken + mix.guess <= 0) complain("mix", "expected at least one share above 0");
}

ProverTask::ProverTask(const ProverSettings& settings) : settings_(settings) {}

text::Problem ProverTask::problem(text::Split split, uint64_t seed, uint64_t index) const {
  Rng rng({seed, hash_name(std::string("prover/") + text::split_name(split)), index});
  const Sequent s = sequent_of(settings_, split, rng);
  return {.id = s.prompt(),
          .prompt = s.prompt(),
          .answer = s.statement(),
          .extra = {{"statement", s.statement()}, {"proof", s.script()}, {"depth", s.depth}},
          .statement = s.statement()};
}

text::Document ProverTask::document(text::Source source, uint64_t seed, uint64_t index) const {
  if (source == text::Source::general) throw Error("task", "source", "corpus or traces", "general");
  Rng rng({seed, hash_name(source == text::Source::traces ? "prover/trace" : "prover/document"), index});
  const Sequent s = sequent_of(settings_, text::Split::train, rng);
  const ProverMix& m = settings_.mix;
  const double at = source == text::Source::traces ? -1 : rng.uniform() * (m.proofs + m.broken + m.guess);
  std::vector<std::string> steps = s.proof;
  if (at >= m.proofs + m.broken) {
    steps = {random_step(rng, s)};
  } else if (at >= m.proofs) {
    const auto i = rng.integer(0, static_cast<int64_t>(steps.size()) - 1);
    if (steps.size() > 1 && rng.chance(0.4))
      steps.erase(steps.begin() + i);
    else
      steps[static_cast<size_t>(i)] = random_step(rng, s);
  }
  Sequent written = s;
  written.proof = steps;
  const std::string prompt = s.prompt();
  return {.text = prompt + written.script() + "<eos>", .prompt_bytes = prompt.size()};
}

}  // namespace posttrain::tasks

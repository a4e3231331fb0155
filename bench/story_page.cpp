#include "bench/story_page.h"

#include <algorithm>
#include <cmath>

#include "base/format.h"

namespace posttrain::bench {
namespace {

// "95.4 [92.7, 97.2]" in percent.
std::string percent(const Measured& m) {
  return formatted("%.1f [%.1f, %.1f]", 100 * m.mean(), 100 * m.least(), 100 * m.greatest());
}

std::string tokens(const Measured& m) {
  return formatted("%.1f", m.mean());
}

std::string thousands(const Measured& m) {
  return formatted("%.0fk", m.mean() / 1000);
}

// "collapse at 12, 30, -": the first step of each seed.
std::string alarms(const StoryRuns& r, const std::string& stage) {
  const auto alerts = r.alerts(stage);
  std::map<std::string, std::string> by_code;
  for (const auto& seed : alerts) {
    for (const auto& [code, step] : seed) by_code[code];
  }
  for (auto& [code, steps] : by_code) {
    for (const auto& seed : alerts) {
      const auto found = seed.find(code);
      steps += (steps.empty() ? "" : ", ") + (found == seed.end() ? "-" : std::to_string(found->second));
    }
  }
  std::string out;
  for (const auto& [code, steps] : by_code) out += (out.empty() ? "" : "; ") + code + " at " + steps;
  return out.empty() ? "none" : out;
}

// Whether every seed raised it.
bool raised(const StoryRuns& r, const std::string& stage, const std::string& code) {
  return std::ranges::all_of(r.alerts(stage), [&](const auto& seed) { return seed.contains(code); });
}

// ---- what the story claims

struct Claim {
  std::string says, here, elsewhere;
  bool holds;
};

bool every(const Measured& m, double at_least) {
  return m.least() >= at_least;
}

bool none(const Measured& m, double at_least) {
  return m.greatest() < at_least;
}

std::vector<Claim> claims(const StoryRuns& r) {
  const auto pass = [&](const char* stage) { return r.final_eval(stage, "pass@1"); };
  const auto length = [&](const char* stage) { return r.final_eval(stage, "mean_length"); };
  const auto cons = r.final_eval("base", "cons@16");
  std::vector<Claim> out;
  out.push_back({"Reinforcement alone teaches a base model to reason",
                 "pass@1 " + percent(pass("base")) + " to " + percent(pass("zero")), "AIME 2024 15.6 to 77.9",
                 every(pass("zero") - pass("base"), 0.5)});
  out.push_back({"The base has it in it: its majority vote is far above one answer",
                 "cons@16 " + percent(cons) + " against pass@1 " + percent(pass("base")), "-",
                 every(cons - pass("base"), 0.2)});
  out.push_back({"Answers grow longer by themselves",
                 tokens(length("base")) + " to " + tokens(length("zero")) + " tokens", "hundreds to 10k tokens",
                 every(length("zero") - length("base"), 8)});
  out.push_back({"A cold start alone lies between base and R1-Zero", percent(pass("cold-start")),
                 "Dev1 59.0 below Zero 77.9",
                 every(pass("cold-start") - pass("base"), 0.1) && every(pass("zero") - pass("cold-start"), 0.05)});
  out.push_back({"The base itself, trained on rejection-sampled answers, is as good as the RL model they came from",
                 percent(pass("sft")) + " against " + percent(pass("rl-1")), "Dev3 78.1 against Dev2 74.0",
                 every(pass("sft") - pass("rl-1"), -0.03)});
  out.push_back({"The last stage adds a little", percent(pass("rl-2") - pass("sft")) + " points", "79.8 against 78.1",
                 (pass("rl-2") - pass("sft")).mean() > 0});
  out.push_back(
      {"RL on the small model does not work: it learns to guess",
       percent(pass("student-rl")) + ", length " + tokens(length("student")) + " to " + tokens(length("student-rl")),
       "7B and 16B bases gained no long reasoning by RL alone", none(pass("student-rl"), 0.25)});
  out.push_back({"The same small model learns it from the big one's answers", percent(pass("distilled")),
                 "72.6 against 47.0 for RL (32B)", every(pass("distilled") - pass("student-rl"), 0.5)});
  out.push_back({"More pre-training instead does not help", percent(pass("student-more")), "-",
                 none(pass("student-more"), 0.25)});
  out.push_back(
      {"Where RL works on the student, distillation still wins",
       percent(pass("strong-distilled")) + " against " + percent(pass("strong-rl")), "72.6 against 47.0",
       every(pass("strong-rl") - pass("strong"), 0.3) && every(pass("strong-distilled") - pass("strong-rl"), 0)});
  out.push_back({"A learning rate far too high ruins the model, and that is said",
                 percent(pass("lr-2e-3")) + "; " + alarms(r, "lr-2e-3"), "-",
                 none(pass("lr-2e-3"), 0.5) && raised(r, "lr-2e-3", "collapse")});
  out.push_back(
      {"So does sampling far too hot, and RL on a base too weak",
       percent(pass("hot")) + "; " + alarms(r, "hot") + "; the student: " + alarms(r, "student-rl"), "-",
       none(pass("hot"), 0.5) && raised(r, "hot", "length-collapse") && raised(r, "student-rl", "length-collapse")});
  out.push_back({"Dr. GRPO and DAPO are ahead of GRPO at equal steps",
                 "Dr. GRPO " + percent(pass("on-dr-grpo")) + ", DAPO " + percent(pass("on-dapo")) + ", GRPO " +
                     percent(pass("on-grpo")),
                 "AIME 2024, 32B: 50 against 30 (DAPO's paper)",
                 every(pass("on-dr-grpo") - pass("on-grpo"), 0) && every(pass("on-dapo") - pass("on-grpo"), 0)});
  return out;
}

std::string claims_section(const StoryRuns& r) {
  std::string out = "| claim | here | the papers | reproduces |\n|---|---|---|---|\n";
  for (const Claim& claim : claims(r)) {
    out += "| " + claim.says + " | " + claim.here + " | " + claim.elsewhere + " | " + (claim.holds ? "yes" : "**no**") +
           " |\n";
  }
  return out;
}

// ---- tables

struct Line {
  const char *stage, *name, *bar, *paper;
};

// A prototype in PyTorch set the bar: same task, sizes and settings, other code and other random numbers.
std::string model_table(const StoryRuns& r, const std::vector<Line>& lines, const char* paper) {
  std::string out = "| | pass@1 | prototype | cons@16 | format | length | steps |" + std::string(paper) +
                    " |\n|---|---|---|---|---|---|---|---|\n";
  for (const Line& line : lines) {
    const auto of = [&](const char* metric) { return r.final_eval(line.stage, metric); };
    out += "| " + std::string(line.name) + " | " + percent(of("pass@1")) + " | " + line.bar + " | " +
           percent(of("cons@16")) + " | " + percent(of("format")) + " | " + tokens(of("mean_length")) + " | " +
           formatted("%.0f", r.steps(line.stage).mean()) + " | " + line.paper + " |\n";
  }
  return out;
}

std::string objective_table(const StoryRuns& r) {
  struct Objective {
    const char *key, *name;
  };
  constexpr Objective objectives[] = {{"r1-zero", "R1-Zero (clip 10, KL 0.001)"},
                                      {"grpo", "GRPO (KL 0.04)"},
                                      {"dr-grpo", "Dr. GRPO"},
                                      {"dapo", "DAPO (up to twice the samples)"},
                                      {"gspo", "GSPO"},
                                      {"cispo", "CISPO"},
                                      {"reinforce-pp", "REINFORCE++"}};
  std::string out =
      "| objective | one update: pass@1 | length | tokens | four updates: pass@1 | clipped | tokens |\n"
      "|---|---|---|---|---|---|---|\n";
  for (const Objective& objective : objectives) {
    const std::string on = std::string("on-") + objective.key, off = std::string("off-") + objective.key;
    const double clipped = r.total(off, "clip_ratio/region_mean").mean() / r.steps(off).mean();
    out += "| " + std::string(objective.name) + " | " + percent(r.final_eval(on, "pass@1")) + " | " +
           tokens(r.final_eval(on, "mean_length")) + " | " + thousands(r.total(on, "num_tokens")) + " | " +
           percent(r.final_eval(off, "pass@1")) + " | " + formatted("%.2f%%", 100 * clipped) + " | " +
           thousands(r.total(off, "num_tokens")) + " |\n";
  }
  return out;
}

std::string pitfall_table(const StoryRuns& r) {
  struct Pitfall {
    const char *stage, *name, *bar;
  };
  constexpr Pitfall pitfalls[] = {
      {"lr-1e-4", "lr 1e-4", "slow: 80.5 from a weaker base"},
      {"on-r1-zero", "lr 3e-4, T = 1: as R1-Zero", "88.2 from a weaker base"},
      {"lr-1e-3", "lr 1e-3", "76.3, after 85 at step 40"},
      {"lr-2e-3", "lr 2e-3", "9.2: collapse"},
      {"cold", "T = 0.6", "79.2"},
      {"hot", "T = 1.4", "16.5: guesses, length 6.3"},
      {"student-rl", "a base too weak (the student)", "12.4: guesses, length 6.6"},
  };
  std::string out =
      "| setting | pass@1 | prototype | length | alarms: first step of each seed |\n|---|---|---|---|---|\n";
  for (const Pitfall& p : pitfalls) {
    out += "| " + std::string(p.name) + " | " + percent(r.final_eval(p.stage, "pass@1")) + " | " + p.bar + " | " +
           tokens(r.final_eval(p.stage, "mean_length")) + " | " + alarms(r, p.stage) + " |\n";
  }
  return out;
}

}  // namespace

std::string story_page(const StoryRuns& r, const std::string& total_time) {
  std::string out = "# R1's story in miniature\n\n";
  out += formatted(
      "Written by `bench/r1_story`: %zu seeds of `bench/r1_story.json`%s. Each seed draws its own initial weights, "
      "corpus "
      "and samples.\nThe task is a chain of 2 to 5 operations on digits, every step mod 10 (`7+5*3-8=`); pass@1 is the "
      "mean over 256 unseen\nproblems x 16 samples at temperature 1. Figures are percent: mean over the seeds [least, "
      "greatest]. *Prototype* is an\nindependent PyTorch implementation of the same story with other random numbers; "
      "*paper* is DeepSeek-R1 (Nature 2025,\narXiv 2501.12948) unless said otherwise, on AIME 2024. The largest "
      "difference between a sampler's and a trainer's\nlog-probability over all steps was %g.\n\n",
      r.seeds(), total_time.empty() ? "" : (", " + total_time).c_str(), r.mismatch());
  out += "## What reproduces\n\n" + claims_section(r);
  out += "\n## R1-Zero: 80 steps of reinforcement from the base\n\n![Accuracy and length](r1-story-zero.svg)\n\n" +
         model_table(r,
                     {{"base", "base", "25.6, cons 55.3, length 11.6", "15.6"},
                      {"zero", "R1-Zero", "95.4, cons 99.9, length 25.8", "77.9, cons 86.7"}},
                     " paper");
  out += "\n## The four stages\n\n" +
         model_table(r,
                     {{"base", "base", "25.6", "-"},
                      {"cold-start", "1. SFT on 500 readable traces", "70.5", "59.0 (Dev1)"},
                      {"rl-1", "2. + 40 steps of GRPO", "94.5", "74.0 (Dev2)"},
                      {"sft", "3. SFT of the base on rejection-sampled answers of 2.", "94.1", "78.1 (Dev3)"},
                      {"rl-2", "4. + 30 steps of GRPO = R1", "96.0", "79.8 (R1)"}},
                     " paper");
  out +=
      "\nAs in the paper R1-Zero and R1 end close together; what the stages buy is that a base trained on a thousand\n"
      "filtered answers is there at once, and clean formats.\n";
  out += "\n## Students of a fifth of the parameters\n\n" +
         model_table(r,
                     {{"student", "student: 600 steps of pre-training", "11.0", "-"},
                      {"student-rl", "+ RL directly", "12.4", "47.0 (RL on Qwen2.5-32B)"},
                      {"student-more", "+ as many tokens of pre-training", "12.7", "-"},
                      {"distilled", "+ distilled: SFT on R1's right answers", "93.3", "72.6 (Distill-Qwen-32B)"},
                      {"distilled-rl", "+ distilled + RL", "92.9", "-"},
                      {"distilled-own", "+ distilled + R1 on its own answers", "96", "-"},
                      {"strong", "stronger student: 2000 steps of pre-training", "19.9 (1500 steps)", "-"},
                      {"strong-rl", "+ RL directly", "96.0", "-"},
                      {"strong-distilled", "+ distilled", "99.4", "-"}},
                     " paper");
  out +=
      "\n## Objectives at the same number of steps\n\n![Right answers in training by "
      "objective](r1-story-objectives.svg)\n\n"
      "60 steps of 16 prompts x 16 samples from the same base, lr 3e-4, with one and with four optimizer steps per "
      "rollout. "
      "Each\nobjective has the values of its paper (docs/objectives.md), whose learning rates and batches are other "
      "ones.\n\n" +
      objective_table(r);
  out += "\n## Pitfalls\n\n![Learning rates and temperatures](r1-story-pitfalls.svg)\n\n" + pitfall_table(r);
  out += formatted(
      "\n## Time\n\nOne seed took %.0f s on one thread: base %.0f s, R1-Zero %.0f s, stages 1 to 4 %.0f s, the "
      "rest students, objectives and pitfalls.\n",
      r.run_seconds().mean(), r.seconds("base").mean(), r.seconds("zero").mean(),
      r.seconds("cold-start").mean() + r.seconds("rl-1").mean() + r.seconds("reject").mean() + r.seconds("sft").mean() +
          r.seconds("rl-2").mean());
  return out;
}

}  // namespace posttrain::bench

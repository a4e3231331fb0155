#include "base/format.h"
#include "pipeline/recipe/plan.h"

namespace posttrain::pipeline {
namespace {

std::string quantity(double value) {
  const char* unit = value >= 1e9 ? "G" : value >= 1e6 ? "M" : value >= 1e3 ? "k" : "";
  const double scale = value >= 1e9 ? 1e9 : value >= 1e6 ? 1e6 : value >= 1e3 ? 1e3 : 1;
  if (value <= 0) return "-";
  return *unit != 0 ? formatted("%.1f %s", value / scale, unit) : formatted("%.0f", value);
}

// "12.0 k", or "2.0-512.0 k" where it is not known before.
std::string quantity(const Range& range) {
  if (range.high <= 0) return "-";
  const std::string low = quantity(range.low), high = quantity(range.high);
  return low == high ? high : (range.low > 0 ? low : "0") + " to " + high;
}

std::string time_text(const Range& seconds) {
  if (seconds.high < 0.05) return "0.0 s";
  return duration_text(seconds.low) + " to " + duration_text(seconds.high);
}

constexpr double month = 30 * 24 * 3600;

}  // namespace

std::string plan_text(const std::vector<StagePlan>& plan) {
  std::string out;
  const auto add = [&](const std::string& name, const std::string& type, const std::string& from,
                       const std::string& steps, const std::string& trained, const std::string& scored,
                       const std::string& prompts, const std::string& sampled, const std::string& time) {
    out += formatted("%-18s %-12s %-14s %7s %20s %20s %9s %20s  %s\n", name.c_str(), type.c_str(), from.c_str(),
                     steps.c_str(), trained.c_str(), scored.c_str(), prompts.c_str(), sampled.c_str(), time.c_str());
  };
  add("stage", "type", "from", "steps", "trained", "scored", "prompts", "sampled", "time");
  StagePlan sum;
  for (const StagePlan& s : plan) {
    const std::string steps = s.steps > 0 ? (s.exact ? "" : "~") + std::to_string(s.steps) : "-";
    add(s.name, s.type, s.from, steps, quantity(s.trained), quantity(s.scored), quantity(s.prompts),
        quantity(s.sampled), time_text(s.seconds));
    sum.trained += s.trained;
    sum.scored += s.scored;
    sum.prompts += s.prompts;
    sum.sampled += s.sampled;
    sum.seconds += s.seconds;
  }
  add("all", "", "", "", quantity(sum.trained), quantity(sum.scored), quantity(sum.prompts), quantity(sum.sampled),
      time_text(sum.seconds));
  for (const StagePlan& s : plan) {
    if (!s.memory.empty()) out += "memory of " + s.name + ": " + s.memory + "\n";
  }
  if (sum.seconds.expected > month) out += "warning: this takes months on this machine\n";
  return out +
         "tokens in all stages; ~: as many steps as the stages before may leave data for; times of this machine\n";
}

Json plan_json(const std::vector<StagePlan>& plan) {
  const auto range = [](const Range& r) { return Json{r.low, r.high}; };
  Json stages = Json::array();
  Range seconds;
  for (const StagePlan& s : plan) {
    stages.push_back({{"name", s.name},
                      {"type", s.type},
                      {"from", s.from},
                      {"steps", s.steps},
                      {"exact", s.exact},
                      {"trained_tokens", s.trained.expected},
                      {"trained_range", range(s.trained)},
                      {"scored_tokens", s.scored.expected},
                      {"scored_range", range(s.scored)},
                      {"prompt_tokens", s.prompts},
                      {"sampled_tokens", s.sampled.expected},
                      {"sampled_range", range(s.sampled)},
                      {"seconds", s.seconds.expected},
                      {"seconds_range", range(s.seconds)}});
    if (s.memory_bytes > 0) stages.back().update({{"memory_bytes", s.memory_bytes}, {"starts", s.starts}});
    seconds += s.seconds;
  }
  return {{"stages", std::move(stages)}, {"seconds", seconds.expected}, {"seconds_range", range(seconds)}};
}

}  // namespace posttrain::pipeline

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

}  // namespace

std::string plan_text(const std::vector<StagePlan>& plan) {
  std::string out;
  const auto add = [&](const char* name, const char* type, const char* from, const std::string& steps,
                       const std::string& trained, const std::string& scored, const std::string& sampled,
                       const std::string& time) {
    out += formatted("%-18s %-12s %-14s %8s %9s %9s %9s %9s\n", name, type, from, steps.c_str(), trained.c_str(),
                     scored.c_str(), sampled.c_str(), time.c_str());
  };
  add("stage", "type", "from", "steps", "trained", "scored", "sampled", "time");
  StagePlan sum;
  for (const StagePlan& s : plan) {
    add(s.name.c_str(), s.type.c_str(), s.from.c_str(), s.steps > 0 ? std::to_string(s.steps) : "-",
        quantity(s.trained), quantity(s.scored), quantity(s.sampled), duration_text(s.seconds));
    sum.trained += s.trained;
    sum.scored += s.scored;
    sum.sampled += s.sampled;
    sum.seconds += s.seconds;
  }
  add("all", "", "", "", quantity(sum.trained), quantity(sum.scored), quantity(sum.sampled),
      duration_text(sum.seconds));
  for (const StagePlan& s : plan) {
    if (!s.memory.empty()) out += "memory of " + s.name + ": " + s.memory + "\n";
  }
  return out + "tokens and times are estimates; answers are taken as half as long as their limit\n";
}

Json plan_json(const std::vector<StagePlan>& plan) {
  Json stages = Json::array();
  double seconds = 0;
  for (const StagePlan& s : plan) {
    stages.push_back({{"name", s.name},
                      {"type", s.type},
                      {"from", s.from},
                      {"steps", s.steps},
                      {"trained_tokens", s.trained},
                      {"scored_tokens", s.scored},
                      {"sampled_tokens", s.sampled},
                      {"seconds", s.seconds}});
    seconds += s.seconds;
  }
  return {{"stages", std::move(stages)}, {"seconds", seconds}};
}

}  // namespace posttrain::pipeline

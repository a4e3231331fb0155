#include "rewards/outcome.h"

namespace posttrain::rewards {
namespace {

bool masks(const PartScore& part) {
  return part.verdict == Verdict::failed && part.weight != 0;
}

}  // namespace

void settle(Outcome& outcome) {
  const PartScore *judge = nullptr, *first = nullptr;
  bool masked = false, has_judges = false, spoke = false;
  outcome.total = 0;
  for (const PartScore& part : outcome.parts) {
    masked = masked || masks(part);
    has_judges = has_judges || part.judges;
    if (!is_judged(part.verdict)) continue;
    outcome.total += part.weight * part.value;
    spoke = true;
    if (first == nullptr && !part.type.empty()) first = &part;
    if (judge == nullptr && part.judges) judge = &part;
  }
  if (judge == nullptr && !has_judges) judge = first;
  if (masked || (!spoke && !outcome.parts.empty())) {
    outcome.total = 0;
    outcome.verdict = Verdict::failed;
  } else {
    outcome.verdict = judge != nullptr ? judge->verdict : Verdict::absent;
  }
}

std::string why_unjudged(const Outcome& outcome) {
  const PartScore* told = nullptr;
  for (const PartScore& part : outcome.parts) {
    const bool better = told == nullptr || (masks(part) && !masks(*told));
    if (!is_judged(part.verdict) && !part.detail.empty() && better) told = &part;
  }
  if (told != nullptr) return told->name + ": " + told->detail;
  return outcome.parts.empty() ? "there is no reward that judges it" : "no reward applies to it";
}

}  // namespace posttrain::rewards

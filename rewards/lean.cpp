#include "rewards/lean.h"

#include "rewards/tags.h"

namespace posttrain::rewards {

LeanReward::LeanReward(const Settings& settings)
    : proof_in_(settings.proof_in), backend_(make_lean_backend(settings)) {}

std::string_view LeanReward::proof_of(std::string_view completion, const std::string& proof_in) {
  if (proof_in == "answer") return first_inside(completion, TagPair::named("answer")).value_or("");
  if (proof_in == "fence") {
    for (const std::string_view open : {"```lean4\n", "```lean\n"}) {
      const size_t at = completion.rfind(open);
      if (at == std::string_view::npos) continue;
      const std::string_view rest = completion.substr(at + open.size());
      return rest.substr(0, rest.find("```"));
    }
    return "";
  }
  const size_t end = completion.find("<eos>");
  return completion.substr(0, end);
}

namespace {

std::string statement_in(const Sample& sample) {
  std::string statement(sample.answer);
  if (sample.extra != nullptr && sample.extra->is_object())
    for (const char* key : {"formal_statement", "statement"})
      if (const auto at = sample.extra->find(key); at != sample.extra->end() && at->is_string())
        statement = at->get<std::string>();
  return statement;
}

}  // namespace

Lack LeanReward::missing(const Sample& sample) const {
  return statement_in(sample).empty() ? Lack("a statement") : std::nullopt;
}

Score LeanReward::score(const Sample& sample) const {
  const std::string statement = statement_in(sample);
  const LeanResult result = backend_->judge(statement, proof_of(sample.completion, proof_in_));
  Score out;
  out.verdict = result.verdict;
  out.value = result.verdict == Verdict::right ? 1 : 0;
  out.detail = "backend " + result.backend + ", trust " + result.trust;
  if (!result.message.empty()) out.detail += ": " + result.message;
  return out;
}

}  // namespace posttrain::rewards

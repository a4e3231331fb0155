#include "rewards/code_asserts.h"

#include "base/error.h"
#include "rewards/code_asserts_source.h"

namespace posttrain::rewards {
namespace {

using sandbox::Code;

PlainValue text_value(const std::string& text) {
  PlainValue value;
  value.kind = PlainValue::Kind::text;
  value.text = text;
  return value;
}

// An order for the trusted script: its texts, then the answers as one tagged list.
std::string order(const char* entry, const AssertScript& script, const std::vector<std::string>* answers) {
  const std::string style = script.style == AssertScript::Style::humaneval ? "humaneval" : "mbpp";
  std::string text = std::string("{\"rich\":true,\"entry\":\"") + entry + "\",\"args\":[\"" + style + "\"";
  for (const std::string* part : {&script.prompt, &script.tests, &script.setup, &script.entry}) {
    text += "," + to_json(text_value(*part));
  }
  if (answers != nullptr) {
    text += ",[\"l\"";
    for (const std::string& answer : *answers) text += "," + to_json(text_value(answer));
    text += "]";
  }
  return text + "]}";
}

sandbox::Limits trusted_limits() {
  sandbox::Limits limits;
  limits.cpu_s = 20;
  limits.wall_s = 120;
  limits.memory_mib = 512;
  limits.stdout_kib = 16384;
  return limits;
}

// The items of a tagged list, its tag left out.
std::vector<PlainValue> list_items(const std::string& payload) {
  if (!payload.starts_with('V')) throw Error("tests", "the assert script gave no list");
  std::vector<PlainValue> items = parse_value(std::string_view(payload).substr(1), "tests").items;
  if (!items.empty()) items.erase(items.begin());
  return items;
}

}  // namespace

std::shared_ptr<const AssertJudge::Plan> AssertJudge::plan(const AssertScript& script) {
  const std::string request = order("plan", script, nullptr);
  {
    const std::lock_guard lock(mutex_);
    const auto found = plans_.find(request);
    if (found != plans_.end()) return found->second;
  }
  auto plan = std::make_shared<Plan>();
  std::string payload;
  sandbox::Outcome run;
  const Code code = judge_.evaluate(kAssertScript, request, trusted_limits(), payload, run);
  if (code == Code::ie) {
    plan->failure = run.error;
    return plan;
  }
  if (code != Code::ac) throw Error("tests", "the assert script failed: " + run.err.substr(0, 400));
  const std::vector<PlainValue> items = list_items(payload);
  if (items.empty() || items[0].number < 1) throw Error("tests", "the script has no asserts");
  plan->asserts = static_cast<int>(items[0].number);
  for (size_t i = 1; i < items.size(); ++i) plan->calls.push_back(items[i].text);
  const std::lock_guard lock(mutex_);
  return plans_.emplace(request, std::move(plan)).first->second;
}

AssertVerdict AssertJudge::judge(const AssertScript& script, const std::string& program, const sandbox::Limits& limits,
                                 bool stop_at_failure) {
  AssertVerdict verdict;
  const std::shared_ptr<const Plan> calls = plan(script);
  verdict.total = calls->asserts;
  verdict.detail = calls->failure;
  if (!calls->failure.empty()) return verdict;
  std::vector<std::string> answers;
  Code first_failure = Code::ac;
  for (const std::string& call : calls->calls) {
    std::string& answer = answers.emplace_back();
    sandbox::Outcome run;
    const Code code = judge_.evaluate(program, call, limits, answer, run);
    if (code == Code::ie) {
      verdict.detail = run.error;
      return verdict;
    }
    if (code == Code::ac) continue;
    if (first_failure == Code::ac) {
      first_failure = code;
      verdict.errors = run.err;
      verdict.detail = "call " + std::to_string(answers.size()) + ": " + to_string(code) + " " +
                       run.err.substr(run.err.size() > 300 ? run.err.size() - 300 : 0);
    }
    const bool limit = code == Code::tle || code == Code::mle || code == Code::ole;
    if (limit || stop_at_failure) break;
  }
  if (first_failure != Code::ac && stop_at_failure) {
    verdict.code = first_failure;
    return verdict;
  }
  answers.resize(calls->calls.size());
  std::string payload;
  sandbox::Outcome run;
  const Code code = judge_.evaluate(kAssertScript, order("examine", script, &answers), trusted_limits(), payload, run);
  if (code != Code::ac) {
    verdict.detail = code == Code::ie ? run.error : "the assert script failed: " + run.err.substr(0, 400);
    return verdict;
  }
  const std::vector<PlainValue> outcomes = list_items(payload);
  for (const PlainValue& outcome : outcomes) verdict.passed += outcome.boolean ? 1 : 0;
  const bool all = verdict.passed == verdict.total && static_cast<int>(outcomes.size()) == verdict.total;
  verdict.code = first_failure != Code::ac ? first_failure : all ? Code::ac : Code::wa;
  if (verdict.code == Code::wa) {
    verdict.detail = std::to_string(verdict.passed) + " of " + std::to_string(verdict.total) + " asserts hold";
  }
  return verdict;
}

}  // namespace posttrain::rewards

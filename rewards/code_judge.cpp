#include "rewards/code_judge.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>

#include "rewards/code_checker.h"
#include "rewards/cpp_driver.h"

namespace posttrain::rewards {
namespace {

using sandbox::Code;

constexpr std::string_view kSpace = " \t\n\v\f\r";

std::string_view next_token(std::string_view& text) {
  const size_t start = text.find_first_not_of(kSpace);
  if (start == std::string_view::npos) return text = {};
  const size_t end = std::min(text.find_first_of(kSpace, start), text.size());
  const std::string_view token = text.substr(start, end - start);
  text.remove_prefix(end);
  return token;
}

bool close_numbers(std::string_view got, std::string_view want, double tolerance) {
  double a = 0, b = 0;
  const auto whole = [](std::string_view token, double& value) {
    const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), value);
    return error == std::errc() && end == token.data() + token.size() && std::isfinite(value);
  };
  return whole(got, a) && whole(want, b) && std::fabs(a - b) <= tolerance * std::max(1.0, std::fabs(b));
}

std::string end_of(const sandbox::Outcome& run) {
  if (!run.error.empty()) return run.error;
  if (run.signal != 0) return std::string("signal ") + std::to_string(run.signal) + " (" + strsignal(run.signal) + ")";
  if (run.exit_code != 0) return "exit code " + std::to_string(run.exit_code);
  return "";
}

// A run that ended well, with a function's record on its channel.
Code judge_record(const sandbox::Outcome& run, const PlainValue& want, std::string& detail) {
  std::string_view payload;
  if (!read_record(run.record, payload)) {
    detail = "no result record";
    return Code::re;
  }
  if (payload == "N") {
    detail = "the result is no plain value";
    return Code::wa;
  }
  const Match match = payload.starts_with('V') ? match_value(payload.substr(1), want) : Match::malformed;
  if (match == Match::malformed) detail = "a malformed result record";
  return match == Match::malformed ? Code::re : match == Match::equal ? Code::ac : Code::wa;
}

// Wall time ended the run although it was not idle all along: the machine may have been busy with other things.
bool starved(const sandbox::Outcome& run, const sandbox::Limits& limits) {
  return run.error.empty() && run.stop == sandbox::Stop::wall && run.cpu_ms > limits.cpu_s * 20;
}

bool is_limit(Code code) {
  return code == Code::tle || code == Code::mle || code == Code::ole;
}

}  // namespace

int CodeVerdict::passed() const {
  return static_cast<int>(std::ranges::count_if(tests, [](const TestVerdict& test) { return test.code == Code::ac; }));
}

bool same_tokens(std::string_view got, std::string_view want, double tolerance) {
  for (;;) {
    const std::string_view a = next_token(got), b = next_token(want);
    if (a != b && (tolerance <= 0 || !close_numbers(a, b, tolerance))) return false;
    if (a.empty()) return true;
  }
}

bool read_record(std::string_view channel, std::string_view& payload) {
  size_t bytes = 0;
  const auto [end, error] = std::from_chars(channel.data(), channel.data() + channel.size(), bytes);
  if (error != std::errc() || end == channel.data() + channel.size() || *end != '\n') return false;
  channel.remove_prefix(static_cast<size_t>(end - channel.data()) + 1);
  if (channel.empty() || channel.size() - 1 != bytes || channel.back() != '\n') return false;
  payload = channel.substr(0, bytes);
  return true;
}

TestVerdict CodeJudge::run_test(const CodeTask& task, const CodeTest& test, int program) {
  const bool function = !task.entry.empty();
  sandbox::Job job;
  job.kind = task.language == Language::cpp ? sandbox::Kind::native : sandbox::Kind::python;
  if (job.kind == sandbox::Kind::native) job.argv = {"program"};
  job.limits = task.limits;
  job.program = program;
  job.function = function;
  std::string arguments;
  if (!function) {
    job.input = test.input;
  } else if (task.language == Language::cpp) {
    arguments = encode_arguments(task.params, test.arguments);
  } else {
    PlainValue entry;
    entry.kind = PlainValue::Kind::text;
    entry.text = task.entry;
    arguments = "{\"entry\":" + to_json(entry) + ",\"args\":" + to_json(test.arguments) + "}";
  }
  job.arguments = arguments;
  TestVerdict verdict;
  verdict.run = sandbox_.run(job);
  if (task.retry_wall && starved(verdict.run, task.limits)) {
    job.limits.wall_s *= 2;
    verdict.run = sandbox_.run(job);
  }
  verdict.code = sandbox::judge_end(verdict.run);
  verdict.detail = end_of(verdict.run);
  if (verdict.code != Code::ac) return verdict;
  if (function)
    verdict.code = judge_record(verdict.run, test.result, verdict.detail);
  else if (!task.checker.empty())
    verdict.code = check_output(sandbox_, compiler_, task.checker, test, verdict.run.out, verdict.detail);
  else if (!same_tokens(verdict.run.out, test.expected, task.tolerance))
    verdict.code = Code::wa;
  return verdict;
}

CodeVerdict CodeJudge::judge(const CodeTask& task, const std::string& source) {
  CodeVerdict verdict;
  sandbox::Fd script;
  int program = -1;
  if (task.language == Language::cpp) {
    std::vector<std::pair<std::string, std::string>> sources = {{"main.cpp", source}};
    if (!task.entry.empty()) sources.emplace_back("driver.cpp", driver_source(task.entry, task.params, task.returns));
    verdict.compiled = compiler_.compile(sources, task.compile);
    if (!verdict.compiled.error.empty()) {
      verdict.detail = verdict.compiled.error;
      return verdict;
    }
    if (!verdict.compiled.program) {
      verdict.code = Code::ce;
      verdict.detail = verdict.compiled.diagnostics.substr(0, 400);
      return verdict;
    }
    program = verdict.compiled.program->get();
  } else {
    script = sandbox::memory_file(source.data(), source.size());
    program = script.get();
  }
  verdict.code = Code::ac;
  for (const CodeTest& test : task.tests) {
    verdict.tests.push_back(run_test(task, test, program));
    const TestVerdict& last = verdict.tests.back();
    if (last.code == Code::ac) continue;
    if (verdict.code == Code::ac) {
      verdict.code = last.code;
      verdict.detail = "test " + std::to_string(verdict.tests.size()) + (last.detail.empty() ? "" : ": " + last.detail);
    }
    if (last.code == Code::ie) verdict.code = Code::ie;  // the judge's failure says nothing about the program
    if (last.code == Code::ie || is_limit(last.code) || task.stop_at_failure) break;
  }
  return verdict;
}

Code CodeJudge::evaluate(const std::string& source, const std::string& order, const sandbox::Limits& limits,
                         std::string& payload, sandbox::Outcome& outcome) {
  const sandbox::Fd script = sandbox::memory_file(source.data(), source.size());
  sandbox::Job job;
  job.kind = sandbox::Kind::python;
  job.limits = limits;
  job.program = script.get();
  job.function = true;
  job.arguments = order;
  outcome = sandbox_.run(job);
  const Code code = sandbox::judge_end(outcome);
  std::string_view record;
  if (code != Code::ac) return code;
  if (!read_record(outcome.record, record)) return Code::re;
  payload = record;
  return Code::ac;
}

}  // namespace posttrain::rewards

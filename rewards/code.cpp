#include "rewards/code.h"

#include <algorithm>

#include "base/error.h"

namespace posttrain::rewards {
namespace {

using sandbox::Code;

constexpr size_t kFeedbackBytes = 2000;  // of diagnostics: the first errors explain the rest

// What Python says of a program that it can't even parse; empty for every other end. Tracebacks of running programs are
// left out: they could quote hidden tests.
std::string syntax_error(const std::string& errors) {
  for (const char* name : {"SyntaxError: ", "IndentationError: ", "TabError: "}) {
    const size_t at = errors.rfind(name);
    const size_t file = at == std::string::npos ? at : errors.rfind("  File \"solution.py\"", at);
    if (file != std::string::npos && (at == 0 || errors[at - 1] == '\n')) return errors.substr(file);
  }
  return "";
}

sandbox::Options sandbox_options(const CodeSettings& settings) {
  sandbox::Options options;
  options.boxes = static_cast<int>(settings.boxes);
  options.python = settings.python;
  options.cgroup = settings.cgroup;
  options.mode = settings.sandbox == "warn" ? sandbox::Mode::warn : sandbox::Mode::require;
  return options;
}

// The language of a program that does not say it.
Language guess(const std::string& program, Language otherwise) {
  if (program.find("#include") != std::string::npos) return Language::cpp;
  return otherwise;
}

}  // namespace

void CodeSettings::visit(Visitor& v) {
  v("language", language,
    {.doc = "Language of the programs; auto: as the data says, else by looking", .choices = {"auto", "python", "cpp"}});
  v("score", score,
    {.doc = "all: 1 when every test passes; fraction: the part that passes", .choices = {"all", "fraction"}});
  v("compile_credit", compile_credit,
    {.doc = "Value of a program that compiles and passes no test", .min = 0, .max = 1});
  v("tolerance", tolerance,
    {.doc = "Numbers in a program's output may differ by this, relative beyond 1", .min = 0, .max = 1});
  v("tag", tag, {.doc = "Tag that holds the program where there is no fenced block"});
  think.visit(v);
  v("cpu_s", cpu_s, {.doc = "CPU time of a test", .min = 0.1, .max = 600, .unit = "seconds"});
  v("wall_s", wall_s,
    {.doc = "Wall time of a test, against programs that sleep", .min = 0.1, .max = 3600, .unit = "seconds"});
  v("memory_mib", memory_mib, {.doc = "Resident memory of a test", .min = 16, .max = 65536, .unit = "MiB"});
  v("boxes", boxes, {.doc = "Programs at the same time; 0: one for each core", .min = 0, .max = 256});
  v("sandbox", sandbox,
    {.doc = "require: refuse to start when a layer of the wall is missing; warn: go on",
     .choices = {"require", "warn"}});
  v("cgroup", cgroup,
    {.doc =
         "Exact meter of memory and CPU time by control groups: \"own\" makes them below this process's own group, a "
         "path below a version 2 group that was lent; empty: none"});
  v("python", python, {.doc = "The Python interpreter, by its path"});
  v("compiler", compiler, {.doc = "The C++ compiler, by its path"});
}

CodeScorer::CodeScorer(const CodeSettings& settings)
    : settings_(settings),
      sandbox_(sandbox_options(settings)),
      compiler_(sandbox_, settings.compiler),
      judge_(sandbox_, compiler_),
      asserts_(judge_) {}

CodeScore CodeScorer::score(const CodeProblem& problem, std::string_view completion) {
  return score_program(problem, extract_program(problem, completion, settings_.tag, settings_.think.think));
}

CodeScore CodeScorer::score_program(const CodeProblem& problem, const std::string& program) {
  CodeScore score = score_once(problem, program);
  if (score.code == Code::ie) score = score_once(problem, program);
  return score;
}

CodeScore CodeScorer::score_once(const CodeProblem& problem, const std::string& program) {
  CodeScore score;
  CodeTask task = problem.task;
  task.limits.cpu_s = settings_.cpu_s;
  task.limits.wall_s = settings_.wall_s;
  task.limits.memory_mib = settings_.memory_mib;
  const bool stop = settings_.score == "all";
  if (problem.tests == CodeProblem::Tests::asserts) {
    const AssertVerdict verdict = asserts_.judge(problem.script, program, task.limits, stop);
    return {verdict.code, verdict.passed, verdict.total, verdict.detail, syntax_error(verdict.errors)};
  }
  if (settings_.language == "python")
    task.language = Language::python;
  else if (settings_.language == "cpp")
    task.language = Language::cpp;
  else if (problem.tests == CodeProblem::Tests::programs)
    task.language = guess(program, task.language);
  task.tolerance = settings_.tolerance;
  task.stop_at_failure = stop;
  task.retry_wall = true;
  size_t longest = 0;
  for (const CodeTest& test : task.tests) longest = std::max(longest, test.expected.size());
  if (problem.tests == CodeProblem::Tests::programs) {
    // Enough for any right answer, too little to print every answer there is.
    task.limits.stdout_kib = static_cast<int64_t>(longest * 4 / 1024) + 64;
  }
  std::ranges::stable_sort(task.tests, {}, [](const CodeTest& test) { return test.input.size(); });  // cheap ones first
  const CodeVerdict verdict = judge_.judge(task, program);
  score.code = verdict.code;
  score.passed = verdict.passed();
  score.total = static_cast<int>(task.tests.size());
  score.detail = verdict.detail;
  if (verdict.code == Code::ce) score.diagnostics = verdict.compiled.diagnostics;
  if (verdict.code == Code::re && !verdict.tests.empty()) score.diagnostics = syntax_error(verdict.tests[0].run.err);
  return score;
}

CodeReward::CodeReward(const Settings& settings)
    : settings_(settings), scorer_(std::make_unique<CodeScorer>(settings)) {}

Lack CodeReward::missing(const Sample& sample) const {
  if (sample.extra == nullptr) return "tests";
  try {
    (void)code_problem(*sample.extra, "the row");
  } catch (const Error& error) {
    return std::string("tests (") + error.what() + ")";
  }
  return std::nullopt;
}

Score CodeReward::score(const Sample& sample) const {
  if (sample.extra == nullptr) throw Error("code reward", "extra", "a row with tests", "none");
  const CodeProblem problem = code_problem(*sample.extra, "code reward");
  const CodeScore judged = scorer_->score(problem, sample.completion);
  Score score;
  score.feedback = judged.diagnostics.substr(0, kFeedbackBytes);
  score.detail = std::string(to_string(judged.code)) + (judged.detail.empty() ? "" : " " + judged.detail);
  if (judged.code == Code::ie) {
    score.verdict = Verdict::failed;
    return score;
  }
  score.verdict = judged.code == Code::ac ? Verdict::right : Verdict::wrong;
  if (judged.code == Code::ac)
    score.value = 1;
  else if (settings_.score == "fraction" && judged.total > 0)
    score.value = static_cast<double>(judged.passed) / judged.total;
  if (judged.code != Code::ce) score.value = std::max(score.value, settings_.compile_credit);
  return score;
}

}  // namespace posttrain::rewards

// The code reward: a program inside the completion, judged by hidden tests in the sandbox.
#pragma once

#include "base/params.h"
#include "rewards/code_problem.h"
#include "rewards/reward.h"
#include "rewards/thought.h"

namespace posttrain::rewards {

struct CodeSettings {
  ThinkSetting think;
  std::string language = "auto", score = "all", tag = "answer", sandbox = "require", python = "/usr/bin/python3",
              compiler = "/usr/bin/g++", cgroup;
  double compile_credit = 0, tolerance = 0, cpu_s = 2, wall_s = 10;
  int64_t memory_mib = 256, boxes = 0;
  void visit(Visitor& v);
};

struct CodeScore {
  sandbox::Code code = sandbox::Code::ie;
  int passed = 0, total = 0;  // tests
  std::string detail;
  std::string diagnostics;  // of the compiler or Python's parser, for a second attempt
};

// A sandbox, a compiler and judges in one: what a command or a reward needs. Thread-safe.
class CodeScorer {
 public:
  // Starts the sandbox: do it before the process grows. Throws Failure when the wall can't be built.
  explicit CodeScorer(const CodeSettings& settings);
  // Judges the program in the completion. A failure of the sandbox is tried once more, then it is IE.
  CodeScore score(const CodeProblem& problem, std::string_view completion);
  // The same for a program as it is.
  CodeScore score_program(const CodeProblem& problem, const std::string& program);
  const sandbox::Sandbox& sandbox() const { return sandbox_; }

 private:
  CodeScore score_once(const CodeProblem& problem, const std::string& program);

  const CodeSettings settings_;
  sandbox::Sandbox sandbox_;
  sandbox::Compiler compiler_;
  CodeJudge judge_;
  AssertJudge asserts_;
};

class CodeReward : public Reward {
 public:
  using Settings = CodeSettings;
  explicit CodeReward(const Settings& settings);
  // Sample::extra is the row with the tests, see code_problem.h.
  Score score(const Sample& sample) const override;
  Lack missing(const Sample& sample) const override;

 private:
  const Settings settings_;
  std::unique_ptr<CodeScorer> scorer_;
};

}  // namespace posttrain::rewards

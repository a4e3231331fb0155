// Judges one case of a suite and checks what must hold besides its verdict.
#pragma once

#include <regex.h>

#include <string>
#include <vector>

#include "cli/judge/judge_host.h"
#include "rewards/code_judge.h"

namespace posttrain::cli {

struct CaseReport {
  std::string id, detail;
  sandbox::Code code = sandbox::Code::ie;
  bool ok = false, breach = false;
  double cpu_ms = 0, wall_ms = 0;
  int64_t memory_kib = 0;
  std::vector<sandbox::Code> tests;
};

// Searches what programs wrote, as bytes, without trusting them.
class Searcher {
 public:
  // `pattern` in the usual notation of regular expressions (\s, \d and \w are understood); empty: none.
  Searcher(const std::string& nonce, const std::string& pattern);
  ~Searcher();
  Searcher(const Searcher&) = delete;
  Searcher& operator=(const Searcher&) = delete;

  bool finds_secret(const std::string& text) const;
  // A line that starts with BREACH:
  static bool finds_breach(const std::string& text);

 private:
  const std::string nonce_;
  bool has_pattern_ = false;
  regex_t pattern_{};
};

class CaseJudge {
 public:
  CaseJudge(const Suite& suite, sandbox::Sandbox& sandbox, rewards::CodeJudge& judge, Bait& bait);
  CaseReport judge(const SuiteCase& one);

 private:
  std::string judge_once(const SuiteCase& one, CaseReport& report, bool& only_disk);

  const Suite& suite_;
  sandbox::Sandbox& sandbox_;
  rewards::CodeJudge& judge_;
  Bait& bait_;
  Searcher searcher_;
};

}  // namespace posttrain::cli

#include "cli/tokenizer_cases.h"

#include <cstdio>

#include "base/json.h"
#include "parity/tokenizer_cases.h"

namespace posttrain::cli {

int check_tokenizer(const std::string& tokenizer, const std::string& cases) {
  const TokenizerReport report = check_tokenizer_cases(Tokenizer::load(tokenizer), cases);
  Json failures = Json::array();
  for (const CaseFailure& f : report.first_failures) {
    failures.push_back(
        {{"line", f.line}, {"kind", f.kind}, {"field", f.field}, {"expected", f.expected}, {"got", f.got}});
  }
  const Json line = {{"tokenizer", tokenizer},
                     {"cases", report.cases},
                     {"passed", report.passed},
                     {"failed", report.failed},
                     {"failures", failures}};
  std::printf("%s\n", to_line(line).c_str());
  return report.failed == 0 ? 0 : 1;
}

}  // namespace posttrain::cli

#include "sandbox/verdict.h"

#include <csignal>

#include "sandbox/sandbox.h"

namespace posttrain::sandbox {

const char* to_string(Code code) {
  static constexpr const char* kNames[] = {"AC", "WA", "TLE", "MLE", "OLE", "RE", "SV", "CE", "IE"};
  return kNames[static_cast<int>(code)];
}

Code judge_end(const Outcome& outcome) {
  if (!outcome.error.empty()) return Code::ie;
  switch (outcome.stop) {
    case Stop::cpu:
    case Stop::wall:
      return Code::tle;
    case Stop::memory:
      return Code::mle;
    case Stop::output:
      return Code::ole;
    case Stop::request:
      return Code::ie;
    case Stop::none:
      break;
  }
  if (outcome.signal == SIGSYS) return Code::sv;
  return outcome.signal != 0 || outcome.exit_code != 0 ? Code::re : Code::ac;
}

}  // namespace posttrain::sandbox

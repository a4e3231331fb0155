#include "base/verdict.h"

namespace posttrain {

const char* to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::right:
      return "right";
    case Verdict::wrong:
      return "wrong";
    case Verdict::undecided:
      return "undecided";
    case Verdict::failed:
      return "failed";
    case Verdict::absent:
      return "absent";
  }
  return "failed";
}

}  // namespace posttrain

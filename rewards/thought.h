// Where a completion's answer may stand: one setting for every reward that reads one.
#pragma once

#include "base/params.h"
#include "mathcheck/extract.h"

namespace posttrain::rewards {

// The setting `think` of a reward, described once.
struct ThinkSetting {
  mathcheck::Think think = mathcheck::Think::automatic;

  void visit(Visitor& v) {
    v("think", think,
      {.doc = "Where an answer may stand: behind </think>, and nowhere in a thought that was begun and never ended "
              "(auto); "
              "behind </think> only, for templates that open the thought themselves (required); anywhere (off)"});
  }
};

}  // namespace posttrain::rewards

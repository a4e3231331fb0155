// The answer is JSON that matches a schema.
#pragma once

#include <optional>
#include <string>

#include "base/params.h"
#include "rewards/reward.h"
#include "rewards/schema.h"

namespace posttrain::rewards {

class JsonSchemaReward : public Reward {
 public:
  struct Settings {
    Json schema;
    std::string tag = "answer";
    std::string schema_field = "schema";
    void visit(Visitor& v);
  };
  // Throws Error for a schema that can't be judged by, see schema.h.
  explicit JsonSchemaReward(const Settings& settings);
  // 1 when the text in the tag (else in a ```json block, else the whole completion) is JSON that matches. Undecided
  // when the value is too much work; throws Error where the row's schema is missing or malformed.
  Score score(const Sample& sample) const override;
  Lack missing(const Sample& sample) const override;

 private:
  Settings settings_;
  std::optional<Schema> schema_;
};

}  // namespace posttrain::rewards

// The answer is JSON that matches a schema.
#pragma once

#include <optional>
#include <string>

#include "base/params.h"
#include "rewards/reward.h"

namespace posttrain::rewards {

// Why `value` does not match, as "path: reason"; nothing when it does. Of JSON Schema draft-07: type, enum, const,
// properties, required, additionalProperties, items, min/maxItems, uniqueItems, minimum, maximum, exclusiveMinimum and
// -Maximum, multipleOf, min/maxLength, min/maxProperties, anyOf, allOf, oneOf, not, true, false. Notes such as title
// are passed over; throws Error for any other keyword.
std::optional<std::string> schema_mismatch(const Json& schema, const Json& value);

class JsonSchemaReward : public Reward {
 public:
  struct Settings {
    Json schema;
    std::string tag = "answer";
    std::string schema_field = "schema";
    void visit(Visitor& v);
  };
  // Throws Error when the schema uses a keyword that is not known.
  explicit JsonSchemaReward(const Settings& settings);
  // 1 when the text in the tag (else in a ```json block, else the whole completion) is JSON that matches.
  Score score(const Sample& sample) const override;

 private:
  Settings settings_;
};

}  // namespace posttrain::rewards

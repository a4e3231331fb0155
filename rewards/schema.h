// JSON Schema, read whole before anything is judged by it.
//
// Every keyword of draft-07, and of 2020-12 prefixItems, $defs, dependentRequired, dependentSchemas, minContains and
// maxContains; format and the notes (title, examples, ...) say nothing about a value. Dialect: draft-07, where nothing
// beside a $ref counts, unless $schema names 2019-09 or a later one. https://json-schema.org/draft-07/schema
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"

namespace posttrain::rewards {

struct SchemaNode;
struct SchemaTree;

// A value was too much work: `what` says in which way. Neither a match nor a mismatch.
struct SchemaLimit {
  std::string what;
};

class Schema {
 public:
  // Throws Error, naming `where` and the place as a JSON pointer, for a schema that is malformed, uses a keyword that
  // is not known, refers to what it does not hold itself (nothing is fetched), or refers to itself without looking into
  // the value.
  explicit Schema(const Json& schema, const std::string& where = "schema");
  ~Schema();
  Schema(Schema&&) noexcept;
  Schema& operator=(Schema&&) noexcept;

  // Why `value` does not match, as "path: reason"; nothing when it does. Numbers are compared as decimals, objects
  // whatever the order of their keys. Patterns are PCRE2's reading of ECMA-262. Throws SchemaLimit after
  // 1,000,000 steps, 256 schemas within each other, or where a pattern needs too many steps.
  std::optional<std::string> mismatch(const Json& value) const;

 private:
  std::unique_ptr<SchemaTree> tree_;
};

}  // namespace posttrain::rewards

// A schema as it is judged by: rewards/schema_build.cpp makes it, rewards/schema_match.cpp walks it.
#pragma once

#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/decimal.h"
#include "base/regex.h"
#include "rewards/schema.h"

namespace posttrain::rewards {

struct CountRange {
  uint64_t least = 0, most = std::numeric_limits<uint64_t>::max();
};

enum TypeBit : unsigned {
  kNull = 1,
  kBoolean = 2,
  kString = 4,
  kArray = 8,
  kObject = 16,
  kNumber = 32,
  kInteger = 64,
  kAnyType = 127
};

// Schemas within are owned by the tree; null: not given. In the order in which they are looked at.
struct SchemaNode {
  std::string at;      // JSON pointer
  bool never = false;  // the schema `false`
  const SchemaNode* reference = nullptr;
  bool only_reference = false;
  unsigned types = kAnyType;
  std::optional<std::set<std::string>> values;  // enum and const, as canonical texts

  std::optional<Decimal> minimum, maximum, above, below, multiple;
  CountRange length;
  std::shared_ptr<const Regex> pattern;

  CountRange items;
  bool unique = false;
  std::vector<const SchemaNode*> prefix;
  const SchemaNode* rest = nullptr;  // of the items behind the prefix
  const SchemaNode* contains = nullptr;
  CountRange contained = {.least = 1};

  CountRange properties;
  std::vector<std::string> required;
  std::unordered_map<std::string, const SchemaNode*> named;
  std::vector<std::pair<std::shared_ptr<const Regex>, const SchemaNode*>> matching;
  const SchemaNode* additional = nullptr;
  const SchemaNode* names = nullptr;
  std::vector<std::pair<std::string, std::vector<std::string>>> needs;
  std::vector<std::pair<std::string, const SchemaNode*>> dependents;

  std::vector<const SchemaNode*> all, any, one;
  const SchemaNode *negated = nullptr, *condition = nullptr, *then = nullptr, *otherwise = nullptr;
};

struct SchemaTree {
  std::deque<SchemaNode> nodes;
  const SchemaNode* root = nullptr;
};

std::unique_ptr<SchemaTree> build_schema(const Json& schema, const std::string& where);

// Equal for values that JSON Schema calls equal: 1 and 1.0, objects with other orders of keys. `size` grows by the
// values inside.
void append_canonical(const Json& value, std::string& out, size_t& size);

}  // namespace posttrain::rewards

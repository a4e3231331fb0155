#include <algorithm>
#include <functional>
#include <map>

#include "base/error.h"
#include "rewards/schema_tree.h"

namespace posttrain::rewards {
namespace {

constexpr struct {
  const char* name;
  unsigned bit;
} kTypes[] = {{"null", kNull},     {"boolean", kBoolean}, {"string", kString},  {"array", kArray},
              {"object", kObject}, {"number", kNumber},   {"integer", kInteger}};

constexpr const char* kNotes[] = {
    "$schema", "$id",      "$comment",  "title",      "description",     "default",         "examples",
    "format",  "readOnly", "writeOnly", "deprecated", "contentEncoding", "contentMediaType"};

class SchemaBuilder {
 public:
  SchemaBuilder(const Json& root, std::string where) : root_(root), where_(std::move(where)) {
    const Json* dialect = root.is_object() && root.contains("$schema") ? &root["$schema"] : nullptr;
    if (dialect == nullptr) return;
    if (!dialect->is_string()) bad("/$schema", "a text", *dialect);
    const auto name = dialect->get<std::string>();
    beside_references_ = name.find("/draft/20") != std::string::npos;
    const bool known =
        beside_references_ || name.find("draft-07") != std::string::npos || name.find("draft-06") != std::string::npos;
    if (!known) bad("/$schema", "draft-06, draft-07, 2019-09 or 2020-12", *dialect);
  }

  std::unique_ptr<SchemaTree> build() {
    tree_->root = schema(root_, "");
    refuse_empty_circles();
    return std::move(tree_);
  }

 private:
  [[noreturn]] void bad(const std::string& at, const std::string& expected, const Json& got) const {
    std::string text = to_line(got);
    if (text.size() > 80) text = text.substr(0, 77) + "...";
    throw Error(where_, at, expected, text);
  }

  const SchemaNode* schema(const Json& json, const std::string& at) {
    if (const auto known = made_.find(&json); known != made_.end()) return known->second;
    SchemaNode& node = tree_->nodes.emplace_back();
    node.at = at;
    made_[&json] = &node;  // before what is inside, which may refer to it
    if (json.is_boolean()) {
      node.never = !json.get<bool>();
      return &node;
    }
    if (!json.is_object()) bad(at, "a schema: an object, true or false", json);
    for (const auto& [key, rule] : json.items()) {
      if (!keyword(node, key, rule, json, at + "/" + key)) bad(at, "keywords that are known here", Json(key));
    }
    node.only_reference = node.reference != nullptr && !beside_references_;
    return &node;
  }

  // False for a keyword that is not known.
  bool keyword(SchemaNode& node, const std::string& key, const Json& rule, const Json& parent, const std::string& at) {
    return general(node, key, rule, at) || of_numbers_and_texts(node, key, rule, at) ||
           of_arrays(node, key, rule, parent, at) || of_objects(node, key, rule, at) ||
           combination(node, key, rule, parent, at);
  }

  bool general(SchemaNode& node, const std::string& key, const Json& rule, const std::string& at) {
    if (key == "type") {
      node.types = 0;
      const auto add = [&](const Json& name) {
        const auto* const found = std::ranges::find_if(kTypes, [&](const auto& t) { return name == t.name; });
        if (found == std::end(kTypes)) bad(at, "a type of JSON, or a list of them", rule);
        node.types |= found->bit;
      };
      if (!rule.is_array()) {
        add(rule);
      } else {
        for (const Json& name : rule) add(name);
        if (rule.empty()) bad(at, "at least one type", rule);
      }
    } else if (key == "enum" || key == "const") {
      if (key == "enum" && (!rule.is_array() || rule.empty())) bad(at, "a list of at least one value", rule);
      std::set<std::string> values;
      size_t size = 0;
      const auto add = [&](const Json& value) {
        std::string text;
        append_canonical(value, text, size);
        values.insert(std::move(text));
      };
      if (key == "const") {
        add(rule);
      } else {
        for (const Json& value : rule) add(value);
      }
      if (node.values) std::erase_if(values, [&](const std::string& text) { return !node.values->contains(text); });
      node.values = std::move(values);
    } else if (key == "$ref") {
      node.reference = referred(rule, at);
    } else if (key == "definitions" || key == "$defs") {
      if (!rule.is_object()) bad(at, "an object of schemas", rule);
      for (const auto& [name, inner] : rule.items()) schema(inner, at + "/" + name);
    } else {
      return key.starts_with("x-") || std::ranges::find(kNotes, key) != std::end(kNotes);
    }
    return true;
  }

  bool of_numbers_and_texts(SchemaNode& node, const std::string& key, const Json& rule, const std::string& at) {
    const auto number = [&](std::optional<Decimal>& into) {
      if (!rule.is_number()) bad(at, "a number", rule);
      into = Decimal::of(rule);
    };
    if (key == "minimum") {
      number(node.minimum);
    } else if (key == "maximum") {
      number(node.maximum);
    } else if (key == "exclusiveMinimum") {
      number(node.above);
    } else if (key == "exclusiveMaximum") {
      number(node.below);
    } else if (key == "multipleOf") {
      number(node.multiple);
      if (node.multiple->negative || node.multiple->digits == 0) bad(at, "a number above 0", rule);
    } else if (key == "minLength") {
      node.length.least = count(rule, at);
    } else if (key == "maxLength") {
      node.length.most = count(rule, at);
    } else if (key == "pattern") {
      if (!rule.is_string()) bad(at, "a regular expression", rule);
      node.pattern = regex(rule.get<std::string>(), at);
    } else {
      return false;
    }
    return true;
  }

  bool of_arrays(SchemaNode& node, const std::string& key, const Json& rule, const Json& parent,
                 const std::string& at) {
    if (key == "items" && rule.is_array()) {
      node.prefix = schemas(rule, at);
    } else if (key == "items") {
      node.rest = schema(rule, at);
    } else if (key == "prefixItems") {
      if (parent.contains("items") && parent["items"].is_array()) bad(at, "no second list in items", parent["items"]);
      node.prefix = schemas(rule, at);
    } else if (key == "additionalItems") {  // says nothing where items is no list
      const SchemaNode* inner = schema(rule, at);
      if (parent.contains("items") && parent["items"].is_array()) node.rest = inner;
    } else if (key == "minItems") {
      node.items.least = count(rule, at);
    } else if (key == "maxItems") {
      node.items.most = count(rule, at);
    } else if (key == "uniqueItems") {
      if (!rule.is_boolean()) bad(at, "true or false", rule);
      node.unique = rule.get<bool>();
    } else if (key == "contains") {
      node.contains = schema(rule, at);
    } else if (key == "minContains") {
      node.contained.least = count(rule, at);
    } else if (key == "maxContains") {
      node.contained.most = count(rule, at);
    } else {
      return false;
    }
    return true;
  }

  bool of_objects(SchemaNode& node, const std::string& key, const Json& rule, const std::string& at) {
    const auto each = [&](const auto& take) {
      if (!rule.is_object()) bad(at, "an object", rule);
      for (const auto& [name, inner] : rule.items()) take(name, inner, at + "/" + name);
    };
    if (key == "minProperties") {
      node.properties.least = count(rule, at);
    } else if (key == "maxProperties") {
      node.properties.most = count(rule, at);
    } else if (key == "required") {
      node.required = texts(rule, at);
    } else if (key == "properties") {
      each([&](const auto& name, const Json& inner, const auto& there) { node.named[name] = schema(inner, there); });
    } else if (key == "patternProperties") {
      each([&](const auto& name, const Json& inner, const auto& there) {
        node.matching.emplace_back(regex(name, there), schema(inner, there));
      });
    } else if (key == "additionalProperties") {
      node.additional = schema(rule, at);
    } else if (key == "propertyNames") {
      node.names = schema(rule, at);
    } else if (key == "dependencies" || key == "dependentRequired" || key == "dependentSchemas") {
      each([&](const auto& name, const Json& inner, const auto& there) {
        if (key == "dependentRequired" || (key == "dependencies" && inner.is_array()))
          node.needs.emplace_back(name, texts(inner, there));
        else
          node.dependents.emplace_back(name, schema(inner, there));
      });
    } else {
      return false;
    }
    return true;
  }

  bool combination(SchemaNode& node, const std::string& key, const Json& rule, const Json& parent,
                   const std::string& at) {
    if (key == "allOf") {
      node.all = schemas(rule, at);
    } else if (key == "anyOf") {
      node.any = schemas(rule, at);
    } else if (key == "oneOf") {
      node.one = schemas(rule, at);
    } else if (key == "not") {
      node.negated = schema(rule, at);
    } else if (key == "if") {
      node.condition = schema(rule, at);
    } else if (key == "then" || key == "else") {  // say nothing without an if
      const SchemaNode* inner = schema(rule, at);
      if (parent.contains("if")) (key == "then" ? node.then : node.otherwise) = inner;
    } else {
      return false;
    }
    return true;
  }

  uint64_t count(const Json& rule, const std::string& at) const {
    if (rule.is_number()) {
      const Decimal number = Decimal::of(rule);
      if (!number.negative && number.is_whole() && rule.get<double>() < 1e18)
        return static_cast<uint64_t>(rule.get<double>());
    }
    bad(at, "a whole number of 0 or more", rule);
  }

  std::vector<std::string> texts(const Json& rule, const std::string& at) const {
    std::vector<std::string> out;
    if (!rule.is_array()) bad(at, "a list of texts", rule);
    for (const Json& text : rule) {
      if (!text.is_string()) bad(at, "a list of texts", rule);
      out.push_back(text.get<std::string>());
    }
    return out;
  }

  std::vector<const SchemaNode*> schemas(const Json& rule, const std::string& at) {
    if (!rule.is_array() || rule.empty()) bad(at, "a list of at least one schema", rule);
    std::vector<const SchemaNode*> out;
    for (const Json& inner : rule) out.push_back(schema(inner, at + "/" + std::to_string(out.size())));
    return out;
  }

  std::shared_ptr<const Regex> regex(const std::string& pattern, const std::string& at) const {
    return std::make_shared<const Regex>(pattern, where_ + " " + at, Regex::Dialect::ecma);
  }

  // What a reference "#/a/b" means in this document.
  const SchemaNode* referred(const Json& rule, const std::string& at) {
    if (!rule.is_string() || (rule != "#" && !rule.get<std::string>().starts_with("#/")))
      bad(at, "a reference into this schema, such as #/definitions/x (nothing is fetched)", rule);
    const auto text = rule.get<std::string>();
    const Json* json = &root_;
    std::string place;
    for (size_t begin = 2; begin <= text.size();) {
      const size_t end = std::min(text.find('/', begin), text.size());
      const std::string step = unescaped(text.substr(begin, end - begin));
      const Json* next = nullptr;
      if (json->is_object() && json->contains(step)) next = &(*json)[step];
      if (json->is_array() && !step.empty() && step.size() < 9 &&
          std::ranges::all_of(step, [](char c) { return c >= '0' && c <= '9'; }) && std::stoul(step) < json->size())
        next = &(*json)[std::stoul(step)];
      if (next == nullptr) bad(at, "a reference to what is there", rule);
      json = next;
      place += "/" + step;
      begin = end + 1;
    }
    return schema(*json, place);
  }

  // Of a step of a pointer in a URL: %25 and then ~1 and ~0.
  static std::string unescaped(const std::string& step) {
    std::string plain, out;
    for (size_t i = 0; i < step.size(); ++i) {
      const bool code = step[i] == '%' && i + 2 < step.size() &&
                        std::isxdigit(static_cast<unsigned char>(step[i + 1])) &&
                        std::isxdigit(static_cast<unsigned char>(step[i + 2]));
      plain += code ? static_cast<char>(std::stoi(step.substr(i + 1, 2), nullptr, 16)) : step[i];
      if (code) i += 2;
    }
    for (size_t i = 0; i < plain.size(); ++i) {
      const bool code = plain[i] == '~' && i + 1 < plain.size() && (plain[i + 1] == '0' || plain[i + 1] == '1');
      out += code ? (plain[++i] == '0' ? '~' : '/') : plain[i];
    }
    return out;
  }

  // A schema that comes back to itself for the same value would never end.
  void refuse_empty_circles() const {
    std::map<const SchemaNode*, bool> done;  // false: on the way
    const std::function<void(const SchemaNode*)> visit = [&](const SchemaNode* node) {
      if (node == nullptr) return;
      const auto [place, fresh] = done.try_emplace(node, false);
      if (!fresh) {
        if (place->second) return;
        throw Error(where_, node->at, "references that look into the value", "one that comes back to itself");
      }
      visit(node->reference);
      if (!node->only_reference) {
        for (const auto* list : {&node->all, &node->any, &node->one}) {
          for (const SchemaNode* inner : *list) visit(inner);
        }
        for (const SchemaNode* inner : {node->negated, node->condition, node->then, node->otherwise}) visit(inner);
        for (const auto& [name, inner] : node->dependents) visit(inner);
      }
      done[node] = true;
    };
    for (const SchemaNode& node : tree_->nodes) visit(&node);
  }

  const Json& root_;
  std::string where_;
  bool beside_references_ = false;
  std::unique_ptr<SchemaTree> tree_ = std::make_unique<SchemaTree>();
  std::map<const Json*, const SchemaNode*> made_;
};

}  // namespace

std::unique_ptr<SchemaTree> build_schema(const Json& schema, const std::string& where) {
  return SchemaBuilder(schema, where).build();
}

}  // namespace posttrain::rewards

#include "rewards/json_schema.h"

#include <cmath>

#include "base/error.h"
#include "rewards/tags.h"

namespace posttrain::rewards {

namespace {

constexpr int deepest = 64;

bool has_type(const Json& v, const std::string& type) {
  if (type == "null") return v.is_null();
  if (type == "boolean") return v.is_boolean();
  if (type == "string") return v.is_string();
  if (type == "array") return v.is_array();
  if (type == "object") return v.is_object();
  if (type == "number") return v.is_number();
  if (type == "integer")
    return v.is_number_integer() || (v.is_number_float() && std::floor(v.get<double>()) == v.get<double>());
  throw Error("schema", "type", "a type of JSON", type);
}

size_t characters(const std::string& text) {
  size_t n = 0;
  for (const char c : text) n += (static_cast<unsigned char>(c) & 0xC0) != 0x80 ? 1 : 0;
  return n;
}

using Why = std::optional<std::string>;
Why find_mismatch(const Json& schema, const Json& v, const std::string& path, int depth);

// How many of a list of schemas match.
size_t matching(const Json& schemas, const Json& v, const std::string& path, int depth) {
  size_t n = 0;
  for (const Json& each : schemas) n += find_mismatch(each, v, path, depth + 1) ? 0 : 1;
  return n;
}

Why keyword(const std::string& key, const Json& rule, const Json& schema, const Json& v, const std::string& path,
            int depth) {
  const auto no = [&](const std::string& reason) { return Why(path + ": " + reason); };
  const auto limit = [&](bool applies, double value, bool upper, bool open) -> Why {
    if (!applies) return std::nullopt;
    const double bound = rule.get<double>();
    const bool good = upper ? (open ? value < bound : value <= bound) : (open ? value > bound : value >= bound);
    return good ? std::nullopt : no(key + " is " + rule.dump());
  };
  const double number = v.is_number() ? v.get<double>() : 0;
  const auto size = v.is_array() || v.is_object() ? static_cast<double>(v.size())
                    : v.is_string()               ? static_cast<double>(characters(v.get<std::string>()))
                                                  : 0;
  if (key == "type") {
    if (rule.is_string())
      return has_type(v, rule.get<std::string>()) ? std::nullopt : no("not of type " + rule.get<std::string>());
    for (const Json& type : rule) {
      if (has_type(v, type.get<std::string>())) return std::nullopt;
    }
    return no("of none of the types " + rule.dump());
  }
  if (key == "enum") {
    for (const Json& each : rule) {
      if (each == v) return std::nullopt;
    }
    return no("not one of " + rule.dump());
  }
  if (key == "const") return rule == v ? std::nullopt : no("not " + rule.dump());
  if (key == "required") {
    for (const Json& name : rule) {
      if (v.is_object() && !v.contains(name.get<std::string>())) return no("lacks " + name.dump());
    }
    return std::nullopt;
  }
  if (key == "properties") {
    for (const auto& [name, inner] : rule.items()) {
      if (!v.is_object() || !v.contains(name)) continue;
      if (Why why = find_mismatch(inner, v[name], path + "/" + name, depth + 1)) return why;
    }
    return std::nullopt;
  }
  if (key == "additionalProperties") {
    if (!v.is_object()) return std::nullopt;
    for (const auto& [name, value] : v.items()) {
      if (schema.contains("properties") && schema["properties"].contains(name)) continue;
      if (Why why = find_mismatch(rule, value, path + "/" + name, depth + 1)) return why;
    }
    return std::nullopt;
  }
  if (key == "items") {
    if (!v.is_array()) return std::nullopt;
    for (size_t i = 0; i < v.size(); ++i) {
      const Json* inner = rule.is_array() ? (i < rule.size() ? &rule[i] : nullptr) : &rule;
      if (inner == nullptr) break;
      if (Why why = find_mismatch(*inner, v[i], path + "/" + std::to_string(i), depth + 1)) return why;
    }
    return std::nullopt;
  }
  if (key == "uniqueItems") {
    for (size_t i = 0; v.is_array() && rule == true && i < v.size(); ++i) {
      for (size_t j = 0; j < i; ++j) {
        if (v[i] == v[j]) return no("repeats an item");
      }
    }
    return std::nullopt;
  }
  if (key == "minimum") return limit(v.is_number(), number, false, false);
  if (key == "maximum") return limit(v.is_number(), number, true, false);
  if (key == "exclusiveMinimum") return limit(v.is_number(), number, false, true);
  if (key == "exclusiveMaximum") return limit(v.is_number(), number, true, true);
  if (key == "multipleOf")
    return !v.is_number() || std::fmod(number, rule.get<double>()) == 0 ? std::nullopt
                                                                        : no("not a multiple of " + rule.dump());
  if (key == "minLength") return limit(v.is_string(), size, false, false);
  if (key == "maxLength") return limit(v.is_string(), size, true, false);
  if (key == "minItems") return limit(v.is_array(), size, false, false);
  if (key == "maxItems") return limit(v.is_array(), size, true, false);
  if (key == "minProperties") return limit(v.is_object(), size, false, false);
  if (key == "maxProperties") return limit(v.is_object(), size, true, false);
  if (key == "allOf")
    return matching(rule, v, path, depth) == rule.size() ? std::nullopt : no("not all of allOf match");
  if (key == "anyOf") return matching(rule, v, path, depth) > 0 ? std::nullopt : no("none of anyOf matches");
  if (key == "oneOf")
    return matching(rule, v, path, depth) == 1 ? std::nullopt : no("not exactly one of oneOf matches");
  if (key == "not") return find_mismatch(rule, v, path, depth + 1) ? std::nullopt : no("matches what it must not");
  for (const char* note : {"$schema", "$id", "$comment", "title", "description", "default", "examples", "format"}) {
    if (key == note) return std::nullopt;
  }
  throw Error("schema", key, "a keyword that is known here", key);
}

Why find_mismatch(const Json& schema, const Json& v, const std::string& path, int depth) {
  if (depth > deepest) return path + ": nested too deeply";
  if (schema.is_boolean()) return schema.get<bool>() ? Why() : Why(path + ": not allowed");
  if (!schema.is_object()) throw Error("schema", path, "an object, true or false", schema.dump());
  for (const auto& [key, rule] : schema.items()) {
    if (Why why = keyword(key, rule, schema, v, path, depth)) return why;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> schema_mismatch(const Json& schema, const Json& value) {
  return find_mismatch(schema, value, "", 0);
}

void JsonSchemaReward::Settings::visit(Visitor& v) {
  v("schema", schema, {.doc = "A JSON Schema (a subset of draft-07); null: the data row has it"});
  v("schema_field", schema_field, {.doc = "Field of the data row that holds the schema where the setting is null"});
  v("tag", tag,
    {.doc = "Name of the tag that holds the JSON; where it is missing, a ```json block or the whole completion"});
}

JsonSchemaReward::JsonSchemaReward(const Settings& settings) : settings_(settings) {
  if (!settings.schema.is_null()) schema_mismatch(settings.schema, Json());  // throws for what is not known
}

Score JsonSchemaReward::score(const Sample& sample) const {
  const Json* schema = &settings_.schema;
  if (schema->is_null()) {
    const bool given = sample.extra != nullptr && sample.extra->contains(settings_.schema_field);
    if (!given) throw Error("json_schema", settings_.schema_field, "a schema in the settings or the data row", "none");
    schema = &(*sample.extra)[settings_.schema_field];
  }
  auto text = settings_.tag.empty() ? std::nullopt : first_inside(sample.completion, TagPair::named(settings_.tag));
  if (!text) text = first_inside(sample.completion, {"```json", "```"});
  const Json value = Json::parse(text.value_or(sample.completion), nullptr, false);
  if (value.is_discarded()) return {0, Verdict::wrong, "not JSON", ""};
  if (auto why = schema_mismatch(*schema, value)) return {0, Verdict::wrong, *why, to_line(value)};
  return {1, Verdict::right, "", to_line(value)};
}

}  // namespace posttrain::rewards

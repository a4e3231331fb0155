// Documentation of described structs: the list of fields for people and the JSON Schema for editors.
#include <cmath>

#include "base/format.h"
#include "base/json.h"
#include "base/params.h"

namespace posttrain {
namespace {

std::string range_text(const Doc& doc) {
  if (std::isfinite(doc.min) && std::isfinite(doc.max)) return number_text(doc.min) + " to " + number_text(doc.max);
  if (std::isfinite(doc.min)) return "at least " + number_text(doc.min);
  return std::isfinite(doc.max) ? "at most " + number_text(doc.max) : "";
}

std::string type_text(Slot slot) {
  switch (slot.kind()) {
    case Slot::Kind::boolean:
      return "true or false";
    case Slot::Kind::integer:
      return "whole number";
    case Slot::Kind::number:
      return "number";
    case Slot::Kind::text:
    case Slot::Kind::choice:
      return "text";
    case Slot::Kind::json:
      return "any JSON";
    case Slot::Kind::object:
      return "object";
    case Slot::Kind::list:
      return "list of " + type_text(slot.ops->fresh_element().slot) +
             (slot.ops->fresh_element().slot.kind() == Slot::Kind::object ? "s" : "");
    case Slot::Kind::optional:
      return type_text(slot.ops->fresh_element().slot) + " or null";
  }
  return "";
}

// The object inside lists and optionals, with what keeps it alive.
Slot::Owned innermost(Slot slot) {
  Slot::Owned at{nullptr, slot};
  while (at.slot.kind() == Slot::Kind::list || at.slot.kind() == Slot::Kind::optional) {
    at = at.slot.ops->fresh_element();
  }
  return at;
}

class Describer : public Visitor {
 public:
  Describer(std::string path, std::vector<FieldInfo>& out) : path_(std::move(path)), out_(out) {}

  void tagged(const char* name, Tagged& value, const Doc& doc) override {
    FieldInfo info = basic(name, doc);
    info.type = "text";
    for (const auto& entry : value.cases()) info.choices.emplace_back(entry.name);
    if (!value.type().empty()) info.default_text = to_line(Json(value.type()));
    out_.push_back(info);
    for (const auto& entry : value.cases()) {
      const Slot::Owned made = entry.make();
      FieldInfo section;
      section.path = path_.empty() ? entry.name : path_ + "." + entry.name;
      section.name = entry.name;
      section.type = std::string("the keys beside \"") + name + "\": \"" + entry.name + "\"";
      section.doc = entry.doc;
      section.section = true;
      out_.push_back(section);
      Describer inner(section.path, out_);
      made.slot.ops->visit(made.slot.value, inner);
    }
  }

 protected:
  void field(const char* name, Slot value, const Doc& doc) override {
    FieldInfo info = basic(name, doc);
    info.type = type_text(value);
    const Slot::Owned inside = innermost(value);
    info.section = inside.slot.kind() == Slot::Kind::object;
    for (const char* choice : inside.slot.ops->names) info.choices.emplace_back(choice);
    if (!info.section && !doc.required) info.default_text = to_line(print_params(value));
    out_.push_back(info);
    if (info.section) {
      Describer inner(info.path, out_);
      inside.slot.ops->visit(inside.slot.value, inner);
    }
  }

 private:
  FieldInfo basic(const char* name, const Doc& doc) const {
    FieldInfo info;
    info.path = path_.empty() ? name : path_ + "." + name;
    info.name = name;
    info.doc = doc.doc;
    info.range = range_text(doc);
    info.unit = doc.unit;
    info.deprecated_by = doc.deprecated_by;
    info.choices = doc.choices;
    info.required = doc.required;
    return info;
  }

  std::string path_;
  std::vector<FieldInfo>& out_;
};

Json value_schema(Slot slot, const Doc& doc, bool in_list);

class SchemaMaker : public Visitor {
 public:
  explicit SchemaMaker(bool in_list) : in_list_(in_list) {}

  void tagged(const char* name, Tagged& value, const Doc& doc) override {
    tag_ = name;
    Json schema = {{"description", doc.doc}, {"type", "string"}, {"enum", Json::array()}};
    for (const auto& entry : value.cases()) {
      schema["enum"].push_back(entry.name);
      SchemaMaker inner(in_list_);
      const Slot::Owned made = entry.make();
      made.slot.ops->visit(made.slot.value, inner);
      cases_.push_back({entry.name, inner.properties_, inner.required_});
    }
    properties_[name] = schema;
    if (doc.required) required_.push_back(name);
  }

  Json result() const {
    if (tag_.empty()) return closed(properties_, required_);
    // The keys of the chosen case join those of the object itself.
    Json schema = {{"type", "object"}, {"properties", {{tag_, properties_.at(tag_)}}}, {"required", required_}};
    schema["allOf"] = Json::array();
    for (const auto& entry : cases_) {
      Json properties = properties_, required = required_;
      for (const auto& [key, value] : entry.properties.items()) properties[key] = value;
      for (const auto& key : entry.required) required.push_back(key);
      const Json condition = {{"properties", {{tag_, {{"const", entry.name}}}}}, {"required", {tag_}}};
      schema["allOf"].push_back({{"if", condition}, {"then", closed(properties, required)}});
    }
    if (required_.empty()) schema.erase("required");
    return schema;
  }

 protected:
  void field(const char* name, Slot value, const Doc& doc) override {
    properties_[name] = value_schema(value, doc, in_list_);
    if (doc.required && in_list_) required_.push_back(name);
  }

 private:
  struct Case {
    std::string name;
    Json properties, required;
  };

  static Json closed(const Json& properties, const Json& required) {
    Json schema = {{"type", "object"}, {"properties", properties}, {"additionalProperties", false}};
    if (!required.empty()) schema["required"] = required;
    return schema;
  }

  bool in_list_;
  std::string tag_;
  Json properties_ = Json::object(), required_ = Json::array();
  std::vector<Case> cases_;
};

// A value other than a text may also be written as "${name}".
Json or_variable(const char* type) {
  return {{"type", {type, "string"}}, {"pattern", "^\\$\\{[^}]+\\}$"}};
}

Json one_of(const std::vector<std::string>& names) {
  return {{"anyOf", {{{"enum", names}}, {{"type", "string"}, {"pattern", "^\\$\\{[^}]+\\}$"}}}}};
}

Json value_schema(Slot slot, const Doc& doc, bool in_list) {
  Json schema = Json::object();
  switch (slot.kind()) {
    case Slot::Kind::boolean:
      schema = or_variable("boolean");
      break;
    case Slot::Kind::integer:
      schema = or_variable("integer");
      break;
    case Slot::Kind::number:
      schema = or_variable("number");
      break;
    case Slot::Kind::text:
      schema["type"] = "string";
      if (!doc.choices.empty()) schema = one_of(doc.choices);
      break;
    case Slot::Kind::choice:
      schema = one_of({slot.ops->names.begin(), slot.ops->names.end()});
      break;
    case Slot::Kind::json:
      break;
    case Slot::Kind::list:
      schema["type"] = "array";
      schema["items"] = value_schema(slot.ops->fresh_element().slot, doc, true);
      schema["items"].erase("description");
      break;
    case Slot::Kind::optional:
      schema["anyOf"] = {value_schema(slot.ops->fresh_element().slot, doc, in_list), {{"type", "null"}}};
      schema["anyOf"][0].erase("description");
      break;
    case Slot::Kind::object: {
      SchemaMaker maker(in_list);
      slot.ops->visit(slot.value, maker);
      schema = maker.result();
      break;
    }
  }
  const bool number = slot.kind() == Slot::Kind::integer || slot.kind() == Slot::Kind::number;
  if (number && std::isfinite(doc.min)) schema["minimum"] = doc.min;
  if (number && std::isfinite(doc.max)) schema["maximum"] = doc.max;
  std::string text = doc.doc;
  if (*doc.unit != '\0') text += std::string(text.empty() ? "" : " ") + "[" + doc.unit + "]";
  if (*doc.deprecated_by != '\0') text = "Renamed to " + std::string(doc.deprecated_by);
  if (!text.empty()) schema["description"] = text;
  if (slot.kind() != Slot::Kind::object && !doc.required && *doc.deprecated_by == '\0') {
    schema["default"] = print_params(slot);
  }
  return schema;
}

}  // namespace

std::vector<FieldInfo> describe_params(Slot root) {
  std::vector<FieldInfo> out;
  const Slot::Owned inside = innermost(root);
  if (inside.slot.kind() == Slot::Kind::object) {
    Describer describer("", out);
    inside.slot.ops->visit(inside.slot.value, describer);
  }
  return out;
}

Json schema_of(Slot root) {
  return value_schema(root, {}, false);
}

}  // namespace posttrain

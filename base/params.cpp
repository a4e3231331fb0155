#include "base/params.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "base/format.h"
#include "base/json.h"
#include "base/nearest.h"
#include "base/node.h"

namespace posttrain {
namespace {

// What stands in the input, for "expected ..., got ...".
std::string described(const Node& node) {
  if (node.kind == Node::Kind::object) return "an object {...}";
  if (node.kind == Node::Kind::list) return "a list [...]";
  if (!node.scalar.is_string()) return to_line(node.scalar);
  std::string text = node.scalar.get<std::string>();
  if (text.size() > 60) text = text.substr(0, 60) + "...";
  return "the text " + to_line(Json(text));
}

std::string limits(const Doc& doc) {
  std::string text;
  if (std::isfinite(doc.min)) text += "at least " + number_text(doc.min);
  if (std::isfinite(doc.max)) text += (text.empty() ? "" : " and ") + std::string("at most ") + number_text(doc.max);
  return text + (*doc.unit != '\0' ? " " + std::string(doc.unit) : "");
}

std::string alternatives(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

std::string absolute(const std::filesystem::path& path, const Place& named_at) {
  const std::filesystem::path folder = named_at.source ? named_at.source->folder : "";
  return std::filesystem::absolute(folder / path).lexically_normal().string();
}

std::string join(const std::string& path, std::string_view name) {
  if (name.empty()) return path;
  return path.empty() ? std::string(name) : path + "." + std::string(name);
}

// All keys of the input's whole type: where a mistyped key may really belong.
struct KnownKeys {
  std::vector<std::string> names, sections;
  explicit KnownKeys(Slot root) {
    for (const auto& info : describe_params(root.ops->fresh().slot)) {
      names.push_back(info.name);
      const size_t dot = info.path.rfind('.');
      sections.push_back(dot == std::string::npos ? "" : info.path.substr(0, dot));
    }
  }
};

class Reading {
 public:
  Reading(Slot root, std::vector<Problem>& problems) : root_(root), problems_(problems) {}

  void value(const Node& node, Slot into, const std::string& path, const Doc& doc);
  void complain(const Node& node, const std::string& path, const std::string& message) {
    problems_.push_back({node.place, path, message});
  }
  // `type` is the one of the object that holds the key, where a key of it chooses one.
  void unknown_key(const Node::Member& member, const std::string& path, const std::vector<std::string>& siblings,
                   const std::string& type);

 private:
  std::string owners_of(const std::string& key, const std::string& path);
  void list(const Node& node, Slot into, const std::string& path, const Doc& doc);
  void object(const Node& node, Slot into, const std::string& path);
  void number(const Node& node, Slot into, const std::string& path, const Doc& doc);
  void text(const Node& node, Slot into, const std::string& path, const Doc& doc);
  void choice(const Node& node, Slot into, const std::string& path);

  Slot root_;
  std::vector<Problem>& problems_;
  std::optional<KnownKeys> known_;
};

class ObjectReader : public Visitor {
 public:
  ObjectReader(Reading& reading, const Node& node, const std::string& path)
      : reading_(reading), node_(node), path_(path) {}

  void tagged(const char* name, Tagged& value, const Doc& doc) override {
    known_.emplace_back(name);
    const std::string path = join(path_, name);
    std::vector<std::string> names;
    for (const auto& entry : value.cases()) names.emplace_back(entry.name);
    const Node* tag = node_.find(name);
    if (tag == nullptr && doc.required) {
      reading_.complain(node_, path, "missing; expected one of " + alternatives(names));
    } else if (tag != nullptr && (tag->kind != Node::Kind::scalar || !tag->scalar.is_string())) {
      reading_.complain(*tag, path, "expected one of " + alternatives(names) + ", got " + described(*tag));
    } else if (tag != nullptr && !value.choose(tag->scalar.get<std::string>())) {
      const auto got = tag->scalar.get<std::string>();
      reading_.complain(*tag, path,
                        "expected one of " + alternatives(names) + ", got " + described(*tag) + suggestion(got, names));
    } else if (const auto held = value.slot()) {
      type_ = value.type();
      held->ops->visit(held->value, *this);
      flat_end(*held);
      return;
    }
    open_ = true;  // which keys belong here isn't known
  }

  // After the fields: keys that nothing asked for, then what the structs say about themselves.
  void finish(Slot object) {
    if (!open_) {
      for (const auto& member : node_.members) {
        if (std::ranges::find(known_, member.key) == known_.end()) {
          reading_.unknown_key(member, path_, known_, type_);
        }
      }
    }
    flat_end(object);
    for (const auto& slot : checks_) {
      slot.ops->check(slot.value, [this](std::string_view field, const std::string& message) {
        const Node* at = field.empty() ? nullptr : find_path(node_, field);
        reading_.complain(at != nullptr ? *at : node_, join(path_, field), message);
      });
    }
  }

 protected:
  void field(const char* name, Slot value, const Doc& doc) override {
    known_.emplace_back(name);
    const std::string path = join(path_, name);
    const Node* node = node_.find(name);
    if (node == nullptr) {
      if (doc.required) {
        reading_.complain(node_, path, "missing" + (*doc.doc != '\0' ? ": " + std::string(doc.doc) : ""));
      }
    } else if (*doc.deprecated_by != '\0') {
      reading_.complain(*node, path, "renamed; write \"" + std::string(doc.deprecated_by) + "\" instead");
    } else {
      reading_.value(*node, value, path, doc);
    }
  }
  void flat_end(Slot value) override {
    if (value.ops->check != nullptr) checks_.push_back(value);
  }

 private:
  Reading& reading_;
  const Node& node_;
  const std::string& path_;
  std::vector<std::string> known_;
  std::vector<Slot> checks_;
  std::string type_;
  bool open_ = false;
};

// The types of an object at `path` that have this very key: "grpo" for stages[7] and samples_per_prompt.
std::string Reading::owners_of(const std::string& key, const std::string& path) {
  std::string section;  // without the places in lists
  for (size_t i = 0; i < path.size(); ++i) {
    if (path[i] != '[') {
      section += path[i];
    } else if (i = path.find(']', i); i == std::string::npos) {
      break;
    }
  }
  std::string owners;
  for (size_t i = 0; i < known_->names.size(); ++i) {
    const std::string& at = known_->sections[i];
    if (known_->names[i] != key || !at.starts_with(section.empty() ? "" : section + ".")) continue;
    const std::string type = at.substr(section.empty() ? 0 : section.size() + 1);
    if (!type.empty() && type.find('.') == std::string::npos) owners += (owners.empty() ? "" : ", ") + type;
  }
  return owners;
}

void Reading::unknown_key(const Node::Member& member, const std::string& path, const std::vector<std::string>& siblings,
                          const std::string& type) {
  if (!known_) known_.emplace(root_);
  std::string hint;
  if (const std::string owners = type.empty() ? "" : owners_of(member.key, path); !owners.empty()) {
    hint = "; it belongs to type " + owners + ", this one is " + type;
  } else {
    hint = suggestion(member.key, siblings);
  }
  if (hint.empty()) {
    const int best = nearest(member.key, known_->names);
    if (best >= 0) {
      const std::string& section = known_->sections[static_cast<size_t>(best)];
      hint = "; did you mean \"" + known_->names[static_cast<size_t>(best)] + "\"? (" +
             (section.empty() ? "at the top" : "in " + section) + ")";
    } else if (!siblings.empty()) {
      hint = "; known here: " + alternatives(siblings);
    }
  }
  problems_.push_back({member.place, join(path, member.key), "unknown key" + hint});
}

void Reading::value(const Node& node, Slot into, const std::string& path, const Doc& doc) {
  switch (into.kind()) {
    case Slot::Kind::boolean:
      if (node.kind == Node::Kind::scalar && node.scalar.is_boolean())
        into.as<bool>() = node.scalar.get<bool>();
      else
        complain(node, path, "expected true or false, got " + described(node));
      break;
    case Slot::Kind::integer:
    case Slot::Kind::number:
      number(node, into, path, doc);
      break;
    case Slot::Kind::text:
      text(node, into, path, doc);
      break;
    case Slot::Kind::choice:
      choice(node, into, path);
      break;
    case Slot::Kind::json:
      into.as<Json>() = node.json();
      break;
    case Slot::Kind::object:
      object(node, into, path);
      break;
    case Slot::Kind::list:
      list(node, into, path, doc);
      break;
    case Slot::Kind::optional:
      into.ops->resize(into.value, node.is_null() ? 0 : 1);
      if (!node.is_null()) value(node, into.ops->element(into.value, 0), path, doc);
      break;
  }
}

void Reading::number(const Node& node, Slot into, const std::string& path, const Doc& doc) {
  const bool whole = into.kind() == Slot::Kind::integer;
  const std::string range = limits(doc);
  const std::string expected =
      std::string("expected a ") + (whole ? "whole number" : "number") + (range.empty() ? "" : " " + range);
  if (node.kind != Node::Kind::scalar || !node.scalar.is_number()) {
    return complain(node, path, expected + ", got " + described(node));
  }
  const double got = node.scalar.get<double>();
  // 1e4 is a fine whole number; beyond 2^53 only digits are exact.
  const bool exact = node.scalar.is_number_unsigned()  ? node.scalar.get<uint64_t>() <= INT64_MAX
                     : node.scalar.is_number_integer() ? true
                                                       : got == std::floor(got) && std::abs(got) <= 0x1p53;
  if ((whole && !exact) || !(got >= doc.min && got <= doc.max)) {
    return complain(node, path, expected + ", got " + described(node));
  }
  if (!whole)
    into.as<double>() = got;
  else
    into.as<int64_t>() = node.scalar.is_number_float() ? static_cast<int64_t>(got) : node.scalar.get<int64_t>();
}

void Reading::text(const Node& node, Slot into, const std::string& path, const Doc& doc) {
  if (node.kind != Node::Kind::scalar || !node.scalar.is_string()) {
    return complain(node, path,
                    (doc.choices.empty() ? "expected a text" : "expected one of " + alternatives(doc.choices)) +
                        ", got " + described(node));
  }
  const auto got = node.scalar.get<std::string>();
  if (!doc.choices.empty() && std::ranges::find(doc.choices, got) == doc.choices.end()) {
    return complain(
        node, path,
        "expected one of " + alternatives(doc.choices) + ", got " + described(node) + suggestion(got, doc.choices));
  }
  into.as<std::string>() = doc.path && !got.empty() ? absolute(got, node.place) : got;
}

void Reading::choice(const Node& node, Slot into, const std::string& path) {
  const std::vector<std::string> names(into.ops->names.begin(), into.ops->names.end());
  const bool is_text = node.kind == Node::Kind::scalar && node.scalar.is_string();
  const std::string got = is_text ? node.scalar.get<std::string>() : "";
  const auto found = std::ranges::find(names, got);
  if (!is_text || found == names.end()) {
    return complain(node, path,
                    "expected one of " + alternatives(names) + ", got " + described(node) +
                        (is_text ? suggestion(got, names) : ""));
  }
  into.ops->choose(into.value, static_cast<size_t>(found - names.begin()));
}

void Reading::list(const Node& node, Slot into, const std::string& path, const Doc& doc) {
  if (node.kind != Node::Kind::list) return complain(node, path, "expected a list [...], got " + described(node));
  into.ops->resize(into.value, 0);  // a list of the input replaces the default, its elements start fresh
  into.ops->resize(into.value, node.items.size());
  for (size_t i = 0; i < node.items.size(); ++i) {
    value(node.items[i], into.ops->element(into.value, i), path + "[" + std::to_string(i) + "]", doc);
  }
}

void Reading::object(const Node& node, Slot into, const std::string& path) {
  if (node.kind != Node::Kind::object) return complain(node, path, "expected an object {...}, got " + described(node));
  ObjectReader reader(*this, node, path);
  into.ops->visit(into.value, reader);
  reader.finish(into);
}

class Printer : public Visitor {
 public:
  void tagged(const char* name, Tagged& value, const Doc&) override {
    if (!value.slot()) return;
    out[name] = value.type();
    value.slot()->ops->visit(value.slot()->value, *this);
  }
  Json out = Json::object();

 protected:
  void field(const char* name, Slot value, const Doc& doc) override {
    if (*doc.deprecated_by == '\0') out[name] = print_params(value);
  }
};

class PathFinder : public Visitor {
 public:
  using Found = std::vector<std::pair<std::string, std::string>>;
  PathFinder(std::string path, Found& found) : path_(std::move(path)), found_(found) {}

  void tagged(const char*, Tagged& value, const Doc&) override {
    if (const auto held = value.slot()) held->ops->visit(held->value, *this);
  }

  void look(Slot value, const std::string& path, bool is_path) {
    if (value.kind() == Slot::Kind::text) {
      if (is_path && !value.as<std::string>().empty()) found_.emplace_back(path, value.as<std::string>());
    } else if (value.kind() == Slot::Kind::object) {
      PathFinder inner(path, found_);
      value.ops->visit(value.value, inner);
    } else if (value.ops->element != nullptr) {
      const bool list = value.kind() == Slot::Kind::list;
      for (size_t i = 0; i < value.ops->size(value.value); ++i) {
        look(value.ops->element(value.value, i), list ? path + "[" + std::to_string(i) + "]" : path, is_path);
      }
    }
  }

 protected:
  void field(const char* name, Slot value, const Doc& doc) override { look(value, join(path_, name), doc.path); }

 private:
  std::string path_;
  Found& found_;
};

}  // namespace

Tagged::Tagged(const Tagged& other) : cases_(other.cases_) {
  *this = other;
}

Tagged& Tagged::operator=(const Tagged& other) {
  if (this == &other) return *this;
  cases_ = other.cases_;
  type_ = other.type_;
  held_ = other.held_.keep ? other.held_.slot.ops->copy(other.held_.slot.value) : other.held_;
  return *this;
}

bool Tagged::choose(std::string_view type) {
  const auto it = std::ranges::find(cases_, type, [](const ParamsCase& entry) { return std::string_view(entry.name); });
  if (it == cases_.end()) return false;
  type_ = type;
  held_ = it->make();
  return true;
}

std::optional<Slot> Tagged::slot() const {
  return held_.keep ? std::optional(held_.slot) : std::nullopt;
}

void read_params(const Node& node, Slot into, const std::string& path, std::vector<Problem>& problems) {
  Reading(into, problems).value(node, into, path, {});
}

void read_params(const Json& json, Slot into, const std::string& source) {
  std::vector<Problem> problems;
  read_params(to_node(json, source), into, "", problems);
  if (!problems.empty()) throw Problems(std::move(problems));
}

std::vector<std::pair<std::string, std::string>> paths_in(Slot from) {
  PathFinder::Found found;
  PathFinder("", found).look(from, "", false);
  return found;
}

Json print_params(Slot from) {
  switch (from.kind()) {
    case Slot::Kind::boolean:
      return from.as<bool>();
    case Slot::Kind::integer:
      return from.as<int64_t>();
    case Slot::Kind::number:
      return from.as<double>();
    case Slot::Kind::text:
      return from.as<std::string>();
    case Slot::Kind::choice:
      return from.ops->names[from.ops->chosen(from.value)];
    case Slot::Kind::json:
      return from.as<Json>();
    case Slot::Kind::optional:
      return from.ops->size(from.value) == 0 ? Json() : print_params(from.ops->element(from.value, 0));
    case Slot::Kind::list: {
      Json out = Json::array();
      for (size_t i = 0; i < from.ops->size(from.value); ++i) {
        out.push_back(print_params(from.ops->element(from.value, i)));
      }
      return out;
    }
    case Slot::Kind::object:
      break;
  }
  Printer printer;
  from.ops->visit(from.value, printer);
  return std::move(printer.out);
}

}  // namespace posttrain

// Settings as plain structs that are described once. The one description reads, checks, prints and documents them:
//
//   struct Sampling {
//     double temperature = 1;
//     int64_t max_new_tokens = 256;
//     void visit(Visitor& v) {
//       v("temperature", temperature, {.doc = "Softmax temperature; 0 is greedy", .min = 0, .max = 10});
//       v("max_new_tokens", max_new_tokens, {.doc = "Longest completion", .min = 1, .unit = "tokens"});
//     }
//     void check(const Complain& complain) const;  // may be left out: what one field alone can't tell
//   };
//
// A field is a bool, int64_t, double, std::string, an enum with a table of names (base/enum_names.h), Json (free form),
// a struct with visit(), a std::vector or std::optional of these, or one struct of several (Tagged). A field's value
// before reading is its default.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/enum_names.h"

namespace posttrain {

using Json = nlohmann::ordered_json;
struct Node;
struct Problem;
class Visitor;
class Tagged;

// What a field means and may hold. min and max are inclusive and hold for each element of a list.
struct Doc {
  const char* doc = "";
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
  const char* unit = "";
  std::vector<std::string> choices = {};
  bool required = false;
  bool path = false;  // a text that names a file or folder, relative to the file that it is written in; kept absolute
  const char* deprecated_by = "";  // the key's new name; using the old one is an error that says so
};

// complain("field", "message"): a path below the struct such as "a[1].b"; "" is the struct itself.
using Complain = std::function<void(std::string_view field, const std::string& message)>;

// A reference to one value of a described type, with what can be done to it.
struct Slot {
  enum class Kind : uint8_t { boolean, integer, number, text, choice, json, object, list, optional };
  struct Owned;
  struct Ops {
    Kind kind;
    Owned (*fresh)();  // a default-constructed value of this type
    Owned (*copy)(const void*);
    void (*visit)(void*, Visitor&) = nullptr;               // object
    void (*check)(const void*, const Complain&) = nullptr;  // object, where it has check()
    size_t (*size)(const void*) = nullptr;                  // list; optional: 0 or 1
    void (*resize)(void*, size_t) = nullptr;
    Slot (*element)(void*, size_t) = nullptr;
    Owned (*fresh_element)() = nullptr;
    std::span<const char* const> names = {};  // choice: of the values 0, 1, ...
    size_t (*chosen)(const void*) = nullptr;  // choice: the value
    void (*choose)(void*, size_t) = nullptr;
  };

  const Ops* ops;
  void* value;

  Kind kind() const { return ops->kind; }
  template <class T>
  T& as() const {
    return *static_cast<T*>(value);
  }
};

struct Slot::Owned {
  std::shared_ptr<void> keep;
  Slot slot;
};

// Walks over a struct's fields.
class Visitor {
 public:
  virtual ~Visitor() = default;
  template <class T>
  void operator()(const char* name, T& value, const Doc& doc = {});
  // The fields of `value`, a struct with visit(), lie flat among these; its check() is asked as well.
  template <class T>
  void flat(T& value);
  // The struct that `value` holds lies flat beside the key `name`, whose text chooses it.
  virtual void tagged(const char* name, Tagged& value, const Doc& doc) = 0;

 protected:
  virtual void field(const char* name, Slot value, const Doc& doc) = 0;
  // After the fields of a struct that lies flat.
  virtual void flat_end(Slot) {}
};

namespace detail {

template <class T>
struct ListTraits {
  static constexpr bool list = false, optional = false;
};
template <class T>
struct ListTraits<std::vector<T>> {
  static constexpr bool list = true, optional = false;
  static_assert(!std::is_same_v<T, bool>, "a list of booleans has no addressable elements");
  using Element = T;
};
template <class T>
struct ListTraits<std::optional<T>> {
  static constexpr bool list = false, optional = true;
  using Element = T;
};

template <class T>
constexpr Slot::Kind kind_of() {
  if constexpr (std::is_same_v<T, bool>)
    return Slot::Kind::boolean;
  else if constexpr (std::is_same_v<T, int64_t>)
    return Slot::Kind::integer;
  else if constexpr (std::is_same_v<T, double>)
    return Slot::Kind::number;
  else if constexpr (std::is_same_v<T, std::string>)
    return Slot::Kind::text;
  else if constexpr (NamedEnum<T>)
    return Slot::Kind::choice;
  else if constexpr (std::is_same_v<T, Json>)
    return Slot::Kind::json;
  else if constexpr (ListTraits<T>::list)
    return Slot::Kind::list;
  else if constexpr (ListTraits<T>::optional)
    return Slot::Kind::optional;
  else {
    static_assert(std::is_class_v<T>, "a field is bool, int64_t, double, std::string, a named enum, Json or a struct");
    return Slot::Kind::object;
  }
}

template <class T>
const Slot::Ops* ops_of();

}  // namespace detail

template <class T>
Slot slot(T& value) {
  return {detail::ops_of<T>(), &value};
}

namespace detail {

template <class T>
Slot::Owned fresh() {
  auto value = std::make_shared<T>();
  const Slot at = slot(*value);
  return {std::move(value), at};
}

template <class T>
Slot::Owned copy(const void* from) {
  auto value = std::make_shared<T>(*static_cast<const T*>(from));
  const Slot at = slot(*value);
  return {std::move(value), at};
}

template <class T>
constexpr Slot::Ops make_ops() {
  Slot::Ops ops{kind_of<T>(), &fresh<T>, &copy<T>};
  if constexpr (kind_of<T>() == Slot::Kind::object) {
    ops.visit = [](void* value, Visitor& v) { static_cast<T*>(value)->visit(v); };
    if constexpr (requires(const T& t, const Complain& c) { t.check(c); }) {
      ops.check = [](const void* value, const Complain& complain) { static_cast<const T*>(value)->check(complain); };
    }
  } else if constexpr (NamedEnum<T>) {
    ops.names = names_of<T>;
    ops.chosen = [](const void* value) { return static_cast<size_t>(*static_cast<const T*>(value)); };
    ops.choose = [](void* value, size_t i) { *static_cast<T*>(value) = static_cast<T>(i); };
  } else if constexpr (ListTraits<T>::list) {
    ops.size = [](const void* value) { return static_cast<const T*>(value)->size(); };
    ops.resize = [](void* value, size_t n) { static_cast<T*>(value)->resize(n); };
    ops.element = [](void* value, size_t i) { return slot((*static_cast<T*>(value))[i]); };
    ops.fresh_element = &fresh<typename ListTraits<T>::Element>;
  } else if constexpr (ListTraits<T>::optional) {
    ops.size = [](const void* value) -> size_t { return static_cast<const T*>(value)->has_value() ? 1 : 0; };
    ops.resize = [](void* value, size_t n) {
      if (n == 0)
        static_cast<T*>(value)->reset();
      else if (!static_cast<T*>(value)->has_value())
        static_cast<T*>(value)->emplace();
    };
    ops.element = [](void* value, size_t) { return slot(**static_cast<T*>(value)); };
    ops.fresh_element = &fresh<typename ListTraits<T>::Element>;
  }
  return ops;
}

template <class T>
inline constexpr Slot::Ops ops_table = make_ops<T>();

template <class T>
const Slot::Ops* ops_of() {
  return &ops_table<T>;
}

}  // namespace detail

template <class T>
void Visitor::operator()(const char* name, T& value, const Doc& doc) {
  field(name, slot(value), doc);
}

template <class T>
void Visitor::flat(T& value) {
  value.visit(*this);
  flat_end(slot(value));
}

// One line of a table of struct types, each chosen by its name: {"grpo", "What it does", &make_params<GrpoSettings>}.
struct ParamsCase {
  const char* name;
  const char* doc;
  Slot::Owned (*make)();
};

template <class T>
Slot::Owned make_params() {
  return detail::fresh<T>();
}

// One of the structs of a table, chosen by the text of a key ("type"). A copy has a struct of its own.
class Tagged {
 public:
  explicit Tagged(std::span<const ParamsCase> cases) : cases_(cases) {}
  ~Tagged() = default;
  Tagged(const Tagged& other);
  Tagged& operator=(const Tagged& other);
  Tagged(Tagged&& other) noexcept = default;
  Tagged& operator=(Tagged&& other) noexcept = default;

  std::span<const ParamsCase> cases() const { return cases_; }
  const std::string& type() const { return type_; }  // empty until chosen
  // False, changing nothing, when the table has no such name; else holds a new default struct.
  bool choose(std::string_view type);
  std::optional<Slot> slot() const;
  // The struct, or null when another type is held.
  template <class T>
  T* get() const {
    return held_.keep && held_.slot.ops == detail::ops_of<T>() ? static_cast<T*>(held_.slot.value) : nullptr;
  }

 private:
  std::span<const ParamsCase> cases_;
  std::string type_;
  Slot::Owned held_{nullptr, {nullptr, nullptr}};
};

// ---- reading: every problem is collected, what is right is set.
void read_params(const Node& node, Slot into, const std::string& path, std::vector<Problem>& problems);
// The same from JSON without lines; throws Problems that name `source`.
void read_params(const Json& json, Slot into, const std::string& source);

template <class T>
T params_from(const Json& json, const std::string& source) {
  T value;
  read_params(json, slot(value), source);
  return value;
}

// ---- printing: every value, defaults included; an empty optional is null.
Json print_params(Slot from);

// As Json, for which the caller includes base/json.h.
template <class T>
auto params_to_json(const T& value) {
  return print_params(slot(const_cast<T&>(value)));  // printing writes nothing
}

// Every text that is described as a path and not empty: {"model.path", "/absolute/path"}.
std::vector<std::pair<std::string, std::string>> paths_in(Slot from);

// ---- documenting
// One field as told to people. A path runs through lists and, by the name of the case, through Tagged structs:
// "stages.grpo.clip_low".
struct FieldInfo {
  std::string path, name, type, default_text;  // type: "whole number", "list of text", ...; default as JSON
  std::string doc, range, unit, deprecated_by;
  std::vector<std::string> choices;
  bool required = false;
  bool section = false;  // has fields of its own
};

// All fields in the order of description, each section before what it holds.
std::vector<FieldInfo> describe_params(Slot root);
// JSON Schema draft-07 of the type, as the value of a key may have it; "required" is told only inside lists, since
// objects of a recipe may be parts that complete another.
Json schema_of(Slot root);

}  // namespace posttrain

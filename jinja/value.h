// The values of a template: Python's, as far as chat templates see them. Everything but a namespace is immutable.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace posttrain {
using Json = nlohmann::ordered_json;
}

namespace posttrain::jinja {

// What a template did wrong; the renderer adds line and column and throws Error.
struct Fault : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Value;
class Renderer;
struct Args;
struct ListData;
struct DictData;
struct Namespace;
struct Callable;
struct Loop;

struct Undefined {
  std::string name;
};
struct None {};

class Value {
 public:
  using Items = std::vector<Value>;
  using Pairs = std::vector<std::pair<Value, Value>>;  // in order of insertion

  Value() = default;  // undefined
  Value(None) : data_(None{}) {}
  Value(bool v) : data_(v) {}
  Value(int64_t v) : data_(v) {}
  Value(int v) : data_(int64_t{v}) {}
  Value(double v) : data_(v) {}
  Value(std::string v) : data_(std::make_shared<const std::string>(std::move(v))) {}
  Value(std::string_view v) : Value(std::string(v)) {}
  Value(const char* v) : Value(std::string(v)) {}
  static Value undefined(std::string name);
  // Throws Fault when nested too deeply or too large.
  static Value list(Items items, bool is_tuple = false);
  static Value dict(Pairs pairs);
  static Value function(std::string name, std::function<Value(Renderer&, Args&)> call);
  static Value of(std::shared_ptr<Namespace> v);
  static Value of(std::shared_ptr<const Loop> v);
  static Value from_json(const Json& json);

  bool is_undefined() const { return std::holds_alternative<Undefined>(data_); }
  bool is_none() const { return std::holds_alternative<None>(data_); }
  bool is_boolean() const { return std::holds_alternative<bool>(data_); }
  bool is_integer() const { return std::holds_alternative<int64_t>(data_); }  // not a boolean
  bool is_float() const { return std::holds_alternative<double>(data_); }
  bool is_number() const { return is_integer() || is_float() || is_boolean(); }
  bool is_text() const { return std::holds_alternative<std::shared_ptr<const std::string>>(data_); }
  bool is_list() const { return std::holds_alternative<std::shared_ptr<const ListData>>(data_); }
  bool is_dict() const { return std::holds_alternative<std::shared_ptr<const DictData>>(data_); }
  bool is_callable() const { return callable() != nullptr; }

  // Each asks for the kind first.
  const std::string& text() const { return **std::get_if<std::shared_ptr<const std::string>>(&data_); }
  const Items& items() const;
  bool is_tuple() const;
  const Pairs& pairs() const;
  const std::string& undefined_name() const { return std::get_if<Undefined>(&data_)->name; }
  // Null when of another kind.
  Namespace* name_space() const;
  const Callable* callable() const;
  const Loop* loop() const;
  // Numbers, booleans as 0 and 1. Throws Fault for other kinds.
  int64_t integer() const;
  double number() const;

  // The value under `key`, or null.
  const Value* find(const Value& key) const;
  const Value* find_key(std::string_view key) const;

  bool truthy() const;
  int depth() const;         // of nested lists and dicts
  size_t weight() const;     // values inside and 16 bytes of text count one each
  std::string type() const;  // Python's name of the kind, for messages

 private:
  std::variant<Undefined, None, bool, int64_t, double, std::shared_ptr<const std::string>,
               std::shared_ptr<const ListData>, std::shared_ptr<const DictData>, std::shared_ptr<Namespace>,
               std::shared_ptr<const Callable>, std::shared_ptr<const Loop>>
      data_;
};

struct ListData {
  Value::Items items;
  bool is_tuple = false;
  int depth = 1;
  size_t weight = 1;
};
struct DictData {
  Value::Pairs pairs;
  int depth = 1;
  size_t weight = 1;
};
struct Namespace {
  std::vector<std::pair<std::string, Value>> members;
};

struct Args {
  Value::Items positional;
  std::vector<std::pair<std::string, Value>> named;

  // Argument number `place`, or the one called `name`; null when not given.
  const Value* find(size_t place, std::string_view name) const;
  Value get(size_t place, std::string_view name, const Value& fallback = Value()) const;
  // Throws Fault when it is missing.
  const Value& need(size_t place, std::string_view name) const;
  bool flag(size_t place, std::string_view name, bool fallback) const;
};

struct Callable {
  std::string name;
  std::function<Value(Renderer&, Args&)> call;
};

struct Loop {
  Value::Items items;
  size_t index = 0;
  int depth = 1;
  const void* statement = nullptr;  // of a recursive loop
  size_t frame = 0;
};

bool equals(const Value& a, const Value& b);
// Negative, 0 or positive. Throws Fault for kinds that have no order.
int compare(const Value& a, const Value& b);
bool contains(const Value& container, const Value& item);
// What iterating gives: items, keys, characters. Throws Fault for what can't be iterated.
Value::Items iterate(const Value& value);

}  // namespace posttrain::jinja

#include "jinja/value.h"

#include <algorithm>
#include <cmath>

#include "base/json.h"
#include "base/utf8.h"

namespace posttrain::jinja {
namespace {

constexpr int kMaxValueDepth = 100;

// A value may hold another several times over, so what walks it (==, tojson) is bounded here.
constexpr size_t kMaxWeight = 1'000'000;

struct Size {
  int depth = 0;
  size_t weight = 1;
  void add(const Value& value) {
    depth = std::max(depth, value.depth());
    weight += value.weight();
    if (depth >= kMaxValueDepth) throw Fault("lists and dicts nested more than 100 deep");
    if (weight > kMaxWeight) throw Fault("a list or dict that is too large");
  }
};

}  // namespace

Value Value::undefined(std::string name) {
  Value v;
  v.data_ = Undefined{std::move(name)};
  return v;
}

Value Value::list(Items items, bool is_tuple) {
  Size size;
  for (const Value& item : items) size.add(item);
  Value v;
  v.data_ = std::make_shared<const ListData>(ListData{std::move(items), is_tuple, size.depth + 1, size.weight});
  return v;
}

Value Value::dict(Pairs pairs) {
  Size size;
  for (const auto& [key, value] : pairs) {
    size.add(key);
    size.add(value);
  }
  Value v;
  v.data_ = std::make_shared<const DictData>(DictData{std::move(pairs), size.depth + 1, size.weight});
  return v;
}

Value Value::function(std::string name, std::function<Value(Renderer&, Args&)> call) {
  Value v;
  v.data_ = std::make_shared<const Callable>(Callable{std::move(name), std::move(call)});
  return v;
}

Value Value::of(std::shared_ptr<Namespace> name_space) {
  Value v;
  v.data_ = std::move(name_space);
  return v;
}

Value Value::of(std::shared_ptr<const Loop> loop) {
  Value v;
  v.data_ = std::move(loop);
  return v;
}

Value Value::from_json(const Json& json) {
  switch (json.type()) {
    case Json::value_t::null:
      return None{};
    case Json::value_t::boolean:
      return json.get<bool>();
    case Json::value_t::number_integer:
      return json.get<int64_t>();
    case Json::value_t::number_unsigned:
      return json.get<uint64_t>() <= INT64_MAX ? Value(json.get<int64_t>()) : Value(json.get<double>());
    case Json::value_t::number_float:
      return json.get<double>();
    case Json::value_t::string:
      return json.get<std::string>();
    case Json::value_t::array: {
      Items items;
      for (const Json& item : json) items.push_back(from_json(item));
      return list(std::move(items));
    }
    case Json::value_t::object: {
      Pairs pairs;
      for (const auto& [key, value] : json.items()) pairs.emplace_back(key, from_json(value));
      return dict(std::move(pairs));
    }
    default:
      return Value();
  }
}

const Value::Items& Value::items() const {
  return (*std::get_if<std::shared_ptr<const ListData>>(&data_))->items;
}
bool Value::is_tuple() const {
  return is_list() && (*std::get_if<std::shared_ptr<const ListData>>(&data_))->is_tuple;
}
const Value::Pairs& Value::pairs() const {
  return (*std::get_if<std::shared_ptr<const DictData>>(&data_))->pairs;
}
Namespace* Value::name_space() const {
  const auto* held = std::get_if<std::shared_ptr<Namespace>>(&data_);
  return held ? held->get() : nullptr;
}
const Callable* Value::callable() const {
  const auto* held = std::get_if<std::shared_ptr<const Callable>>(&data_);
  return held ? held->get() : nullptr;
}
const Loop* Value::loop() const {
  const auto* held = std::get_if<std::shared_ptr<const Loop>>(&data_);
  return held ? held->get() : nullptr;
}

int64_t Value::integer() const {
  if (const auto* i = std::get_if<int64_t>(&data_)) return *i;
  if (const auto* b = std::get_if<bool>(&data_)) return *b ? 1 : 0;
  throw Fault("expected an integer, got " + type());
}

double Value::number() const {
  if (const auto* d = std::get_if<double>(&data_)) return *d;
  if (!is_number()) throw Fault("expected a number, got " + type());
  return static_cast<double>(integer());
}

const Value* Value::find(const Value& key) const {
  for (const auto& [k, v] : pairs()) {
    if (equals(k, key)) return &v;
  }
  return nullptr;
}

const Value* Value::find_key(std::string_view key) const {
  for (const auto& [k, v] : pairs()) {
    if (k.is_text() && k.text() == key) return &v;
  }
  return nullptr;
}

bool Value::truthy() const {
  if (is_undefined() || is_none()) return false;
  if (is_float()) return number() != 0;
  if (is_number()) return integer() != 0;
  if (is_text()) return !text().empty();
  if (is_list()) return !items().empty();
  if (is_dict()) return !pairs().empty();
  return true;
}

int Value::depth() const {
  if (const auto* list = std::get_if<std::shared_ptr<const ListData>>(&data_)) return (*list)->depth;
  if (const auto* dict = std::get_if<std::shared_ptr<const DictData>>(&data_)) return (*dict)->depth;
  if (const Loop* l = loop()) return l->depth;
  return 0;
}

size_t Value::weight() const {
  if (is_text()) return 1 + text().size() / 16;
  if (const auto* list = std::get_if<std::shared_ptr<const ListData>>(&data_)) return (*list)->weight;
  if (const auto* dict = std::get_if<std::shared_ptr<const DictData>>(&data_)) return (*dict)->weight;
  return 1;
}

std::string Value::type() const {
  if (is_undefined()) return undefined_name().empty() ? "an undefined value" : "'" + undefined_name() + "', undefined";
  if (is_none()) return "None";
  if (is_boolean()) return "bool";
  if (is_integer()) return "int";
  if (is_float()) return "float";
  if (is_text()) return "str";
  if (is_list()) return is_tuple() ? "tuple" : "list";
  if (is_dict()) return "dict";
  if (callable()) return "function";
  return loop() ? "loop" : "namespace";
}

const Value* Args::find(size_t place, std::string_view name) const {
  if (place < positional.size()) return &positional[place];
  for (const auto& [key, value] : named) {
    if (key == name) return &value;
  }
  return nullptr;
}

Value Args::get(size_t place, std::string_view name, const Value& fallback) const {
  const Value* found = find(place, name);
  return found ? *found : fallback;
}

const Value& Args::need(size_t place, std::string_view name) const {
  const Value* found = find(place, name);
  if (!found) throw Fault("missing argument '" + std::string(name) + "'");
  return *found;
}

bool Args::flag(size_t place, std::string_view name, bool fallback) const {
  const Value* found = find(place, name);
  return found ? found->truthy() : fallback;
}

bool equals(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) {
    if (a.is_float() || b.is_float()) return a.number() == b.number();
    return a.integer() == b.integer();
  }
  if (a.is_text() && b.is_text()) return a.text() == b.text();
  if (a.is_list() && b.is_list())
    return a.is_tuple() == b.is_tuple() && std::ranges::equal(a.items(), b.items(), equals);
  if (a.is_dict() && b.is_dict()) {
    if (a.pairs().size() != b.pairs().size()) return false;
    return std::ranges::all_of(a.pairs(), [&](const auto& pair) {
      const Value* other = b.find(pair.first);
      return other && equals(pair.second, *other);
    });
  }
  if (a.is_undefined() || a.is_none()) return a.is_undefined() ? b.is_undefined() : b.is_none();
  if (a.name_space()) return a.name_space() == b.name_space();
  if (a.callable()) return a.callable() == b.callable();
  return a.loop() && a.loop() == b.loop();
}

int compare(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) {
    if (a.is_float() || b.is_float()) return a.number() < b.number() ? -1 : a.number() > b.number() ? 1 : 0;
    return a.integer() < b.integer() ? -1 : a.integer() > b.integer() ? 1 : 0;
  }
  if (a.is_text() && b.is_text()) return a.text().compare(b.text());  // UTF-8 sorts as code points do
  if (a.is_list() && b.is_list() && a.is_tuple() == b.is_tuple()) {
    for (size_t i = 0; i < a.items().size() && i < b.items().size(); ++i) {
      if (!equals(a.items()[i], b.items()[i])) return compare(a.items()[i], b.items()[i]);
    }
    return static_cast<int>(a.items().size() > b.items().size()) -
           static_cast<int>(a.items().size() < b.items().size());
  }
  throw Fault("no order between " + a.type() + " and " + b.type());
}

bool contains(const Value& container, const Value& item) {
  if (container.is_text()) {
    if (!item.is_text()) throw Fault("'in <str>' needs a str, got " + item.type());
    return container.text().find(item.text()) != std::string::npos;
  }
  if (container.is_dict()) return container.find(item) != nullptr;
  return std::ranges::any_of(iterate(container), [&](const Value& v) { return equals(v, item); });
}

Value::Items iterate(const Value& value) {
  if (value.is_list()) return value.items();
  if (value.is_undefined()) return {};
  Value::Items items;
  if (value.is_dict()) {
    for (const auto& [key, v] : value.pairs()) items.push_back(key);
    return items;
  }
  if (value.is_text()) {
    const std::string_view text = value.text();
    for (size_t at = 0; at < text.size();) {
      const uint32_t length = utf8_at(text, at).length;
      items.emplace_back(text.substr(at, length));
      at += length;
    }
    return items;
  }
  throw Fault(value.type() + " is not iterable");
}

}  // namespace posttrain::jinja

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "base/utf8.h"
#include "rewards/schema_tree.h"

namespace posttrain::rewards {
namespace {

constexpr size_t kMostSteps = 1'000'000;
constexpr int kMostLevels = 256;  // of about 1 KB of stack each

using Why = std::optional<std::string>;

unsigned type_of(const Json& value) {
  switch (value.type()) {
    case Json::value_t::null:
      return kNull;
    case Json::value_t::boolean:
      return kBoolean;
    case Json::value_t::string:
      return kString;
    case Json::value_t::array:
      return kArray;
    case Json::value_t::object:
      return kObject;
    default:
      return kNumber | (Decimal::of(value).is_whole() ? kInteger : 0u);
  }
}

// One value against one tree.
class Matching {
 public:
  Why find(const SchemaNode& node, const Json& value, const std::string& path) {
    const Level level(*this);
    step(1);
    if (node.never) return no(path, "not allowed");
    if (node.reference != nullptr) {
      if (Why why = find(*node.reference, value, path)) return why;
      if (node.only_reference) return {};
    }
    const unsigned type = type_of(value);
    if ((node.types & type) == 0) return no(path, "of another type than the schema's");
    if (node.values && !is_allowed(*node.values, value)) return no(path, "none of the values that are allowed");
    Why why;
    if ((type & kNumber) != 0) why = find_number(node, Decimal::of(value), path);
    if (type == kString) why = find_text(node, value.get_ref<const std::string&>(), path);
    if (type == kArray) why = find_array(node, value, path);
    if (type == kObject) why = find_object(node, value, path);
    return why ? why : find_combination(node, value, path);
  }

 private:
  struct Level {
    explicit Level(Matching& matching) : of(matching) {
      if (++of.levels_ > kMostLevels) throw SchemaLimit{"more than 256 schemas within each other"};
    }
    ~Level() { --of.levels_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;
    Matching& of;
  };

  void step(size_t cost) {
    steps_ += cost;
    if (steps_ > kMostSteps) throw SchemaLimit{"more than 1,000,000 steps"};
  }
  static Why no(const std::string& path, const std::string& reason) { return path + ": " + reason; }
  static Why count(const CountRange& range, size_t n, const std::string& path, const char* what) {
    if (n < range.least) return no(path, "fewer than " + std::to_string(range.least) + " " + what);
    if (n > range.most) return no(path, "more than " + std::to_string(range.most) + " " + what);
    return {};
  }
  bool found(const Regex& regex, const std::string& text) {
    step(1 + text.size() / 64);
    try {
      return regex.found_in(text);
    } catch (const Failure& failure) {
      throw SchemaLimit{failure.what()};
    }
  }

  [[gnu::noinline]] bool is_allowed(const std::set<std::string>& values, const Json& value) {
    std::string text;
    size_t size = 0;
    append_canonical(value, text, size);
    step(size + text.size() / 64);
    return values.contains(text);
  }

  // What ends here stays out of the frame of find(), which recurses.
  [[gnu::noinline]] static Why find_number(const SchemaNode& node, const Decimal& number, const std::string& path) {
    if (node.minimum && number < *node.minimum) return no(path, "below the minimum");
    if (node.maximum && number > *node.maximum) return no(path, "above the maximum");
    if (node.above && number <= *node.above) return no(path, "not above exclusiveMinimum");
    if (node.below && number >= *node.below) return no(path, "not below exclusiveMaximum");
    if (node.multiple && !number.is_multiple_of(*node.multiple)) return no(path, "not a multiple of multipleOf");
    return {};
  }

  [[gnu::noinline]] Why find_text(const SchemaNode& node, const std::string& text, const std::string& path) {
    const auto characters = static_cast<size_t>(
        std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
    if (Why why = count(node.length, characters, path, "characters")) return why;
    if (node.pattern && !found(*node.pattern, text)) return no(path, "not as the pattern wants it");
    return {};
  }

  Why find_array(const SchemaNode& node, const Json& array, const std::string& path) {
    if (Why why = count(node.items, array.size(), path, "items")) return why;
    if (node.unique && repeats(array)) return no(path, "repeats an item");
    for (size_t i = 0; i < array.size() && (i < node.prefix.size() || node.rest != nullptr); ++i) {
      const SchemaNode& inner = i < node.prefix.size() ? *node.prefix[i] : *node.rest;
      if (Why why = find(inner, array[i], path + "/" + std::to_string(i))) return why;
    }
    if (node.contains == nullptr) return {};
    const auto n = static_cast<size_t>(
        std::ranges::count_if(array, [&](const Json& item) { return !find(*node.contains, item, path); }));
    return count(node.contained, n, path, "items that match contains");
  }

  [[gnu::noinline]] bool repeats(const Json& array) {
    std::set<std::string> seen;
    size_t size = 0, bytes = 0;
    for (const Json& item : array) {
      std::string text;
      append_canonical(item, text, size);
      bytes += text.size();
      if (!seen.insert(std::move(text)).second) return true;
    }
    step(size + bytes / 64);
    return false;
  }

  Why find_object(const SchemaNode& node, const Json& object, const std::string& path) {
    if (Why why = count(node.properties, object.size(), path, "properties")) return why;
    // The library's own look-up goes through the keys one by one.
    std::set<std::string_view> keys;
    for (const auto& [name, value] : object.items()) keys.insert(name);
    step(object.size());
    for (const std::string& name : node.required) {
      if (!keys.contains(name)) return no(path, "lacks " + to_line(Json(name)));
    }
    for (const auto& [name, value] : object.items()) {
      const std::string at = path + "/" + name;
      if (node.names != nullptr) {
        if (Why why = find(*node.names, Json(name), at)) return why;
      }
      const auto named = node.named.find(name);
      bool other = named == node.named.end();
      if (!other) {
        if (Why why = find(*named->second, value, at)) return why;
      }
      for (const auto& [regex, inner] : node.matching) {
        if (!found(*regex, name)) continue;
        other = false;
        if (Why why = find(*inner, value, at)) return why;
      }
      if (other && node.additional != nullptr) {
        if (Why why = find(*node.additional, value, at)) return why;
      }
    }
    for (const auto& [name, needed] : node.needs) {
      for (const std::string& other : needed) {
        if (keys.contains(name) && !keys.contains(other))
          return no(path, "lacks " + other + ", which " + name + " needs");
      }
    }
    for (const auto& [name, inner] : node.dependents) {
      if (!keys.contains(name)) continue;
      if (Why why = find(*inner, object, path)) return why;
    }
    return {};
  }

  Why find_combination(const SchemaNode& node, const Json& value, const std::string& path) {
    for (const SchemaNode* inner : node.all) {
      if (Why why = find(*inner, value, path)) return why;
    }
    const auto matches = [&](const SchemaNode* inner) { return !find(*inner, value, path); };
    if (!node.any.empty() && std::ranges::none_of(node.any, matches)) return no(path, "none of anyOf matches");
    if (!node.one.empty() && std::ranges::count_if(node.one, matches) != 1)
      return no(path, "not exactly one of oneOf matches");
    if (node.negated != nullptr && matches(node.negated)) return no(path, "matches what it must not");
    if (node.condition == nullptr) return {};
    const SchemaNode* branch = matches(node.condition) ? node.then : node.otherwise;
    return branch == nullptr ? Why() : find(*branch, value, path);
  }

  size_t steps_ = 0;
  int levels_ = 0;
};

}  // namespace

void append_canonical(const Json& value, std::string& out, size_t& size) {
  ++size;
  if (value.is_number()) {
    out += Decimal::of(value).text();
  } else if (value.is_array()) {
    out += '[';
    for (const Json& item : value) {
      append_canonical(item, out, size);
      out += ',';
    }
    out += ']';
  } else if (value.is_object()) {
    std::vector<std::pair<std::string_view, const Json*>> members;
    for (const auto& [name, inner] : value.items()) members.emplace_back(name, &inner);
    std::ranges::sort(members, {}, &std::pair<std::string_view, const Json*>::first);
    out += '{';
    for (const auto& [name, inner] : members) {
      out += to_line(Json(name));
      out += ':';
      append_canonical(*inner, out, size);
      out += ',';
    }
    out += '}';
  } else {
    out += to_line(value);
  }
}

Schema::Schema(const Json& schema, const std::string& where) : tree_(build_schema(schema, where)) {}
Schema::~Schema() = default;
Schema::Schema(Schema&&) noexcept = default;
Schema& Schema::operator=(Schema&&) noexcept = default;

std::optional<std::string> Schema::mismatch(const Json& value) const {
  return Matching().find(*tree_->root, value, "");
}

}  // namespace posttrain::rewards

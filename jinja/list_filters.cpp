// Filters over lists and dicts.
#include <algorithm>

#include "base/unicode.h"
#include "jinja/builtins.h"
#include "jinja/print.h"

namespace posttrain::jinja {
namespace {

using R = Renderer;
using V = Value;
using A = Args;

V::Items items_of(R& r, const V& v) {
  V::Items items = iterate(v);
  r.charge(items.size());
  return items;
}

// What sorting looks at: an attribute perhaps, text without case unless asked for.
V sort_key(R& r, const V& item, const V& attribute, bool with_case) {
  const V key = attribute.is_none() || attribute.is_undefined() ? item : walk_attribute(r, item, attribute);
  return !with_case && key.is_text() ? V(lowercase(key.text())) : key;
}

V::Items sorted(R& r, const V::Items& items, const V& attribute, bool with_case, bool reverse) {
  std::vector<std::pair<V, V>> keyed;
  for (const V& item : items) keyed.emplace_back(sort_key(r, item, attribute, with_case), item);
  r.charge(items.size() * 20);
  std::ranges::stable_sort(keyed, [&](const auto& a, const auto& b) {
    r.charge(std::min(a.first.weight(), b.first.weight()));
    return reverse ? compare(b.first, a.first) < 0 : compare(a.first, b.first) < 0;
  });
  V::Items out;
  for (auto& [key, item] : keyed) out.push_back(std::move(item));
  return out;
}

V sort(R& r, const V& v, A& args) {
  return V::list(sorted(r, items_of(r, v), args.get(2, "attribute", None{}), args.flag(1, "case_sensitive", false),
                        args.flag(0, "reverse", false)));
}

V dictsort(R& r, const V& v, A& args) {
  if (!v.is_dict()) throw Fault("dictsort needs a dict, got " + v.type());
  const std::string by = to_str(args.get(1, "by", "key"));
  if (by != "key" && by != "value") throw Fault("dictsort's by is key or value");
  A none;
  const V pairs = find_method(v, "items")->apply(r, v, none);
  return V::list(sorted(r, pairs.items(), by == "key" ? "0" : "1", args.flag(0, "case_sensitive", false),
                        args.flag(2, "reverse", false)));
}

V unique(R& r, const V& v, A& args) {
  V::Items out, keys;
  for (const V& item : items_of(r, v)) {
    V key = sort_key(r, item, args.get(1, "attribute", None{}), args.flag(0, "case_sensitive", false));
    r.charge(keys.size() / 4);
    if (std::ranges::any_of(keys, [&](const V& seen) { return equals(seen, key); })) continue;
    keys.push_back(std::move(key));
    out.push_back(item);
  }
  return V::list(std::move(out));
}

V extreme(R& r, const V& v, A& args, bool largest) {
  const V::Items items =
      sorted(r, items_of(r, v), args.get(1, "attribute", None{}), args.flag(0, "case_sensitive", false), largest);
  return items.empty() ? V::undefined("an item of an empty list") : items[0];
}

V groupby(R& r, const V& v, A& args) {
  const V& attribute = args.need(0, "attribute");
  V::Items groups, members;
  V current;
  const auto flush = [&] {
    if (!members.empty()) {
      V list = V::list(std::exchange(members, {}));
      groups.push_back(V::list({current, std::move(list)}, true));
    }
  };
  for (const V& item : sorted(r, items_of(r, v), attribute, false, false)) {
    V key = walk_attribute(r, item, attribute);
    if (members.empty() || !equals(key, current)) {
      flush();
      current = std::move(key);
    }
    members.push_back(item);
  }
  flush();
  return V::list(std::move(groups));
}

V join(R& r, const V& v, A& args) {
  const std::string separator = to_str(args.get(0, "d", ""));
  const V attribute = args.get(1, "attribute", None{});
  std::string out;
  bool first = true;
  for (const V& item : items_of(r, v)) {
    const std::string text = to_str(attribute.is_none() ? item : walk_attribute(r, item, attribute));
    r.charge_text(separator.size() + text.size());
    if (!first) out += separator;
    first = false;
    out += text;
  }
  return out;
}

// map(attribute=...) or map("filter", arguments).
V map(R& r, const V& v, A& args) {
  V::Items out;
  const Value* attribute = args.find(SIZE_MAX, "attribute");
  if (attribute) {
    const Value* fallback = args.find(SIZE_MAX, "default");
    for (const V& item : items_of(r, v)) {
      V value = walk_attribute(r, item, *attribute);
      out.push_back(value.is_undefined() && fallback ? *fallback : value);
    }
    return V::list(std::move(out));
  }
  const std::string name = to_str(args.need(0, "filter"));
  A rest;
  rest.positional.assign(args.positional.begin() + 1, args.positional.end());
  rest.named = args.named;
  for (const V& item : items_of(r, v)) {
    r.charge(1);
    out.push_back(call_filter(r, name, item, rest));
  }
  return V::list(std::move(out));
}

// select, reject and their attr forms: keeps the items whose test gives `wanted`.
V chosen(R& r, const V& v, A& args, bool by_attribute, bool wanted) {
  const size_t skip = by_attribute ? 1 : 0;
  const V attribute = by_attribute ? args.need(0, "attribute") : V();
  const bool has_test = args.positional.size() > skip;
  const std::string test = has_test ? to_str(args.positional[skip]) : "";
  A rest;
  if (has_test)
    rest.positional.assign(args.positional.begin() + static_cast<std::ptrdiff_t>(skip) + 1, args.positional.end());
  V::Items out;
  for (const V& item : items_of(r, v)) {
    const V value = by_attribute ? walk_attribute(r, item, attribute) : item;
    r.charge(1);
    if ((has_test ? call_test(r, test, value, rest) : value.truthy()) == wanted) out.push_back(item);
  }
  return V::list(std::move(out));
}

V sum(R& r, const V& v, A& args) {
  const V attribute = args.get(0, "attribute", None{}), start = args.get(1, "start", 0);
  double total = start.number();
  bool is_float = start.is_float();
  int64_t whole = is_float ? 0 : start.integer();
  for (const V& item : items_of(r, v)) {
    const V value = attribute.is_none() ? item : walk_attribute(r, item, attribute);
    total += value.number();
    is_float = is_float || value.is_float();
    if (!is_float && __builtin_add_overflow(whole, value.integer(), &whole)) throw Fault("integer overflow");
  }
  return is_float ? V(total) : V(whole);
}

V batch(R& r, const V& v, A& args) {
  const size_t width = std::max<size_t>(checked_width(args.need(0, "linecount")), 1);
  const V fill = args.get(1, "fill_with", None{});
  V::Items out, line;
  for (V& item : items_of(r, v)) {
    if (line.size() == width) out.push_back(V::list(std::exchange(line, {})));
    line.push_back(std::move(item));
  }
  if (!line.empty()) {
    r.charge(width);
    while (!fill.is_none() && line.size() < width) line.push_back(fill);
    out.push_back(V::list(std::move(line)));
  }
  return V::list(std::move(out));
}

V slice(R& r, const V& v, A& args) {
  const size_t count = std::max<size_t>(checked_width(args.need(0, "slices")), 1);
  const V fill = args.get(1, "fill_with", None{});
  const V::Items items = items_of(r, v);
  const size_t base = items.size() / count, longer = items.size() % count;
  r.charge(count);
  V::Items out;
  size_t at = 0;
  for (size_t i = 0; i < count; ++i) {
    const size_t end = at + base + (i < longer ? 1 : 0);
    V::Items part(items.begin() + static_cast<std::ptrdiff_t>(at), items.begin() + static_cast<std::ptrdiff_t>(end));
    if (!fill.is_none() && i >= longer && longer > 0) part.push_back(fill);
    out.push_back(V::list(std::move(part)));
    at = end;
  }
  return V::list(std::move(out));
}

V reverse(R& r, const V& v, A&) {
  V::Items items = items_of(r, v);
  std::ranges::reverse(items);
  if (!v.is_text()) return V::list(std::move(items));
  std::string text;
  for (const V& c : items) text += c.text();
  return text;
}

V end_item(R& r, const V& v, bool first) {
  const V::Items items = items_of(r, v);
  if (items.empty()) return V::undefined("an item of an empty list");
  return first ? items.front() : items.back();
}

V attr(R& r, const V& v, A& args) {
  const V& name = args.need(0, "name");
  r.charge(1);
  if (v.is_dict()) {
    const V* found = v.find(name);
    return found ? *found : V::undefined(to_str(name));
  }
  if (v.is_list() && name.is_number()) {
    const int64_t index = name.integer() < 0 ? name.integer() + static_cast<int64_t>(v.items().size()) : name.integer();
    const bool inside = index >= 0 && index < static_cast<int64_t>(v.items().size());
    return inside ? v.items()[static_cast<size_t>(index)] : V::undefined(to_str(name));
  }
  if (const Namespace* members = v.name_space(); members && name.is_text()) {
    for (const auto& [key, value] : members->members) {
      if (key == name.text()) return value;
    }
  }
  if (v.is_undefined()) throw Fault(v.type() + ", has no attribute '" + to_str(name) + "'");
  return V::undefined(to_str(name));
}

V items(R& r, const V& v, A& args) {
  if (v.is_undefined()) return V::list({});
  if (!v.is_dict()) throw Fault("items needs a dict, got " + v.type());
  return find_method(v, "items")->apply(r, v, args);
}

constexpr Builtin kListFilters[] = {
    {"join", join},
    {"first", [](R& r, const V& v, A&) -> V { return end_item(r, v, true); }},
    {"last", [](R& r, const V& v, A&) -> V { return end_item(r, v, false); }},
    {"list", [](R& r, const V& v, A&) -> V { return V::list(items_of(r, v)); }},
    {"items", items},
    {"map", map},
    {"select", [](R& r, const V& v, A& a) -> V { return chosen(r, v, a, false, true); }},
    {"reject", [](R& r, const V& v, A& a) -> V { return chosen(r, v, a, false, false); }},
    {"selectattr", [](R& r, const V& v, A& a) -> V { return chosen(r, v, a, true, true); }},
    {"rejectattr", [](R& r, const V& v, A& a) -> V { return chosen(r, v, a, true, false); }},
    {"sort", sort},
    {"dictsort", dictsort},
    {"unique", unique},
    {"groupby", groupby},
    {"min", [](R& r, const V& v, A& a) -> V { return extreme(r, v, a, false); }},
    {"max", [](R& r, const V& v, A& a) -> V { return extreme(r, v, a, true); }},
    {"sum", sum},
    {"batch", batch},
    {"slice", slice},
    {"reverse", reverse},
    {"attr", attr},
};

}  // namespace

const Builtin* find_list_filter(std::string_view name) {
  const auto* found = std::ranges::find(kListFilters, name, &Builtin::name);
  return found == std::end(kListFilters) ? nullptr : found;
}

}  // namespace posttrain::jinja

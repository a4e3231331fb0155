// Methods of text, lists and dicts that do not change them.
#include <algorithm>
#include <limits>

#include "base/letters.h"
#include "base/unicode.h"
#include "base/utf8.h"
#include "jinja/builtins.h"
#include "jinja/print.h"

namespace posttrain::jinja {
namespace {

using R = Renderer;
using V = Value;
using A = Args;

size_t previous(std::string_view text, size_t at) {
  do {
    --at;
  } while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80);
  return at;
}

bool is_space(std::string_view text, size_t at) {
  return char_class(utf8_at(text, at).code) & kSpace;
}

int64_t limit_argument(A& args, size_t place, const char* name) {
  const Value* given = args.find(place, name);
  const int64_t limit = given && !given->is_none() ? given->integer() : -1;
  return limit < 0 ? std::numeric_limits<int64_t>::max() : limit;
}

// str.split(): by white space when no separator is given.
V split(R& r, const V& v, A& args) {
  const std::string_view text = v.text();
  const Value* separator = args.find(0, "sep");
  int64_t left = limit_argument(args, 1, "maxsplit");
  V::Items parts;
  r.charge_text(text.size());
  if (separator && !separator->is_none()) {
    if (!separator->is_text() || separator->text().empty()) throw Fault("split needs a separator that is not empty");
    const std::string& sep = separator->text();
    r.charge_search(text.size(), sep.size());
    size_t begin = 0;
    for (size_t at = text.find(sep); at != std::string_view::npos && left-- > 0; at = text.find(sep, begin)) {
      parts.emplace_back(text.substr(begin, at - begin));
      begin = at + sep.size();
    }
    parts.emplace_back(text.substr(begin));
    r.charge(parts.size());
    return V::list(std::move(parts));
  }
  size_t at = 0;
  const auto skip = [&](bool space) {
    while (at < text.size() && is_space(text, at) == space) at += utf8_length(text[at]);
  };
  for (skip(true); at < text.size(); skip(true)) {
    const size_t begin = at;
    if (left-- > 0) {
      skip(false);
      parts.emplace_back(text.substr(begin, at - begin));
    } else {
      parts.emplace_back(strip(text.substr(begin), nullptr, false, true));
      break;
    }
  }
  r.charge(parts.size());
  return V::list(std::move(parts));
}

V rsplit(R& r, const V& v, A& args) {
  const Value* separator = args.find(0, "sep");
  if (!separator || !separator->is_text() || separator->text().empty()) return split(r, v, args);
  const std::string_view text = v.text();
  const std::string& sep = separator->text();
  r.charge_search(text.size(), sep.size());
  int64_t left = limit_argument(args, 1, "maxsplit");
  V::Items parts;
  size_t end = text.size();
  while (left-- > 0 && end >= sep.size()) {
    const size_t at = text.rfind(sep, end - sep.size());
    if (at == std::string_view::npos) break;
    parts.emplace_back(text.substr(at + sep.size(), end - at - sep.size()));
    end = at;
  }
  parts.emplace_back(text.substr(0, end));
  std::ranges::reverse(parts);
  r.charge(parts.size());
  return V::list(std::move(parts));
}

V splitlines(R& r, const V& v, A& args) {
  const bool keep = args.flag(0, "keepends", false);
  const std::string_view text = v.text();
  r.charge_text(text.size());
  V::Items lines;
  for (size_t begin = 0; begin < text.size();) {
    size_t end = begin;
    while (end < text.size() && text[end] != '\n' && text[end] != '\r') ++end;
    const size_t stop = end + (text.substr(end, 2) == "\r\n" ? 2 : end < text.size() ? 1 : 0);
    lines.emplace_back(text.substr(begin, (keep ? stop : end) - begin));
    begin = stop;
  }
  r.charge(lines.size());
  return V::list(std::move(lines));
}

// One text or a tuple of them.
bool any_affix(A& args, const auto& matches) {
  const Value& affix = args.need(0, "prefix");
  if (affix.is_text()) return matches(affix.text());
  if (!affix.is_list()) throw Fault("expected a str or a tuple of them, got " + affix.type());
  return std::ranges::any_of(affix.items(), [&](const V& item) { return item.is_text() && matches(item.text()); });
}

const std::string& text_argument(A& args, size_t place, const char* name) {
  const Value& value = args.need(place, name);
  if (!value.is_text()) throw Fault(std::string(name) + " must be a str, got " + value.type());
  return value.text();
}

// The place in characters, or -1.
int64_t find_place(R& r, const V& v, A& args, bool last) {
  const std::string& needle = text_argument(args, 0, "sub");
  r.charge_search(v.text().size(), needle.size());
  const size_t at = last ? v.text().rfind(needle) : v.text().find(needle);
  return at == std::string::npos ? -1 : static_cast<int64_t>(count_chars(std::string_view(v.text()).substr(0, at)));
}

int64_t count_of(R& r, const V& v, A& args) {
  const std::string& needle = text_argument(args, 0, "sub");
  r.charge_search(v.text().size(), needle.size());
  if (needle.empty()) return static_cast<int64_t>(count_chars(v.text())) + 1;
  int64_t count = 0;
  for (size_t at = v.text().find(needle); at != std::string::npos; at = v.text().find(needle, at + needle.size()))
    ++count;
  return count;
}

V padded(R& r, const V& v, A& args, bool left, bool right) {
  const size_t width = checked_width(args.need(0, "width")), size = count_chars(v.text());
  const std::string fill = to_str(args.get(1, "fillchar", " "));
  if (width <= size) return v;
  size_t before = left ? width - size : 0, after = right ? width - size : 0;
  if (left && right) {
    before = (width - size) / 2 + ((width - size) & width & 1);
    after = width - size - before;
  }
  std::string text;
  r.charge_text((before + after) * fill.size() + v.text().size());
  for (size_t i = 0; i < before; ++i) text += fill;
  text += v.text();
  for (size_t i = 0; i < after; ++i) text += fill;
  return text;
}

V partition(R& r, const V& v, A& args, bool last) {
  const std::string& sep = text_argument(args, 0, "sep");
  if (sep.empty()) throw Fault("partition needs a separator that is not empty");
  r.charge_search(v.text().size(), sep.size());
  const size_t at = last ? v.text().rfind(sep) : v.text().find(sep);
  if (at == std::string::npos) return last ? V::list({"", "", v}, true) : V::list({v, "", ""}, true);
  return V::list({v.text().substr(0, at), sep, v.text().substr(at + sep.size())}, true);
}

bool all_chars(const V& v, bool (*is)(char32_t)) {
  for (size_t at = 0; at < v.text().size(); at += utf8_length(v.text()[at])) {
    if (!is(utf8_at(v.text(), at).code)) return false;
  }
  return !v.text().empty();
}

// "{} {0} {name}" without format specifications.
V format(R& r, const V& v, A& args) {
  std::string out;
  size_t automatic = 0;
  const std::string& text = v.text();
  for (size_t at = 0; at < text.size(); ++at) {
    if ((text[at] == '{' || text[at] == '}') && at + 1 < text.size() && text[at + 1] == text[at]) {
      out += text[at++];
    } else if (text[at] == '{') {
      const size_t close = text.find('}', at);
      if (close == std::string::npos) throw Fault("format: '{' without '}'");
      const std::string field = text.substr(at + 1, close - at - 1);
      const bool digits = !field.empty() && field.size() < 6 && std::ranges::all_of(field, is_digit);
      const size_t place = field.empty() ? automatic++ : digits ? static_cast<size_t>(std::stoul(field)) : SIZE_MAX;
      if (field.find_first_of(":!.[") != std::string::npos) throw Fault("format: unsupported field '" + field + "'");
      out += to_str(args.need(place, field));
      r.charge_text(out.size());
      at = close;
    } else {
      out += text[at];
    }
  }
  return out;
}

V dict_items(R& r, const V& v, A&) {
  r.charge(v.pairs().size());
  V::Items items;
  for (const auto& [key, value] : v.pairs()) items.push_back(V::list({key, value}, true));
  return V::list(std::move(items));
}

V dict_values(R& r, const V& v, A&) {
  r.charge(v.pairs().size());
  V::Items items;
  for (const auto& [key, value] : v.pairs()) items.push_back(value);
  return V::list(std::move(items));
}

V list_index(R& r, const V& v, A& args) {
  r.charge(v.weight());
  const auto found =
      std::ranges::find_if(v.items(), [&](const V& item) { return equals(item, args.need(0, "value")); });
  if (found == v.items().end()) throw Fault("the value is not in the list");
  return static_cast<int64_t>(found - v.items().begin());
}

V no_change(R&, const V& v, A&) {
  throw Fault("a template may not change a " + v.type());
}

constexpr Builtin kTextMethods[] = {
    {"strip", [](R&, const V& v, A& a) -> V { return strip(v.text(), a.find(0, "chars"), true, true); }},
    {"lstrip", [](R&, const V& v, A& a) -> V { return strip(v.text(), a.find(0, "chars"), true, false); }},
    {"rstrip", [](R&, const V& v, A& a) -> V { return strip(v.text(), a.find(0, "chars"), false, true); }},
    {"split", split},
    {"rsplit", rsplit},
    {"splitlines", splitlines},
    {"startswith",
     [](R&, const V& v, A& a) -> V {
       return any_affix(a, [&](const std::string& s) { return v.text().starts_with(s); });
     }},
    {"endswith",
     [](R&, const V& v, A& a) -> V {
       return any_affix(a, [&](const std::string& s) { return v.text().ends_with(s); });
     }},
    {"replace",
     [](R& r, const V& v, A& a) -> V {
       return replace_all(r, v.text(), text_argument(a, 0, "old"), text_argument(a, 1, "new"),
                          limit_argument(a, 2, "count"));
     }},
    {"upper", [](R&, const V& v, A&) -> V { return to_upper(v.text()); }},
    {"lower", [](R&, const V& v, A&) -> V { return lowercase(v.text()); }},
    {"title", [](R&, const V& v, A&) -> V { return to_title(v.text()); }},
    {"capitalize", [](R&, const V& v, A&) -> V { return capitalized(v.text()); }},
    {"find", [](R& r, const V& v, A& a) -> V { return find_place(r, v, a, false); }},
    {"rfind", [](R& r, const V& v, A& a) -> V { return find_place(r, v, a, true); }},
    {"index",
     [](R& r, const V& v, A& a) -> V {
       const int64_t at = find_place(r, v, a, false);
       return at < 0 ? throw Fault("substring not found") : at;
     }},
    {"count", [](R& r, const V& v, A& a) -> V { return count_of(r, v, a); }},
    {"join",
     [](R& r, const V& v, A& a) -> V {
       A by;
       by.positional = {v};
       return call_filter(r, "join", a.need(0, "iterable"), by);
     }},
    {"format", format},
    {"removeprefix",
     [](R&, const V& v, A& a) -> V {
       const auto& p = text_argument(a, 0, "prefix");
       return v.text().starts_with(p) ? V(v.text().substr(p.size())) : v;
     }},
    {"removesuffix",
     [](R&, const V& v, A& a) -> V {
       const auto& p = text_argument(a, 0, "suffix");
       return v.text().ends_with(p) ? V(v.text().substr(0, v.text().size() - p.size())) : v;
     }},
    {"partition", [](R& r, const V& v, A& a) -> V { return partition(r, v, a, false); }},
    {"rpartition", [](R& r, const V& v, A& a) -> V { return partition(r, v, a, true); }},
    {"ljust", [](R& r, const V& v, A& a) -> V { return padded(r, v, a, false, true); }},
    {"rjust", [](R& r, const V& v, A& a) -> V { return padded(r, v, a, true, false); }},
    {"center", [](R& r, const V& v, A& a) -> V { return padded(r, v, a, true, true); }},
    {"isdigit", [](R&, const V& v, A&) -> V { return all_chars(v, is_decimal_digit); }},
    {"isspace",
     [](R&, const V& v, A&) -> V { return all_chars(v, [](char32_t c) { return (char_class(c) & kSpace) != 0; }); }},
    {"isalpha",
     [](R&, const V& v, A&) -> V { return all_chars(v, [](char32_t c) { return (char_class(c) & kLetter) != 0; }); }},
    {"isalnum",
     [](R&, const V& v, A&) -> V {
       return all_chars(v, [](char32_t c) { return (char_class(c) & (kLetter | kNumber)) != 0; });
     }},
    {"isupper", [](R& r, const V& v, A& a) -> V { return call_test(r, "upper", v, a); }},
    {"islower", [](R& r, const V& v, A& a) -> V { return call_test(r, "lower", v, a); }},
};

constexpr Builtin kListMethods[] = {
    {"index", list_index},
    {"count",
     [](R& r, const V& v, A& a) -> V {
       r.charge(v.weight());
       return static_cast<int64_t>(
           std::ranges::count_if(v.items(), [&](const V& item) { return equals(item, a.need(0, "value")); }));
     }},
    {"copy", [](R&, const V& v, A&) -> V { return v; }},
    {"append", no_change},
    {"extend", no_change},
    {"insert", no_change},
    {"pop", no_change},
    {"remove", no_change},
    {"clear", no_change},
    {"sort", no_change},
    {"reverse", no_change},
};

constexpr Builtin kDictMethods[] = {
    {"items", dict_items},
    {"keys",
     [](R& r, const V& v, A&) -> V {
       r.charge(v.pairs().size());
       return V::list(iterate(v));
     }},
    {"values", dict_values},
    {"get",
     [](R& r, const V& v, A& a) -> V {
       r.charge(v.pairs().size() / 8);
       const V* found = v.find(a.need(0, "key"));
       return found ? *found : a.get(1, "default", None{});
     }},
    {"copy", [](R&, const V& v, A&) -> V { return v; }},
    {"pop", no_change},
    {"popitem", no_change},
    {"update", no_change},
    {"setdefault", no_change},
    {"clear", no_change},
};

template <size_t n>
const Builtin* find_in(const Builtin (&table)[n], std::string_view name) {
  const auto* found = std::ranges::find(table, name, &Builtin::name);
  return found == std::end(table) ? nullptr : found;
}

}  // namespace

const Builtin* find_method(const Value& of, std::string_view name) {
  if (of.is_text()) return find_in(kTextMethods, name);
  if (of.is_list()) return find_in(kListMethods, name);
  return of.is_dict() ? find_in(kDictMethods, name) : nullptr;
}

std::string strip(std::string_view text, const Value* characters, bool left, bool right) {
  std::u32string set;
  const bool has_set = characters && !characters->is_none();
  if (has_set) {
    if (!characters->is_text()) throw Fault("strip needs a str, got " + characters->type());
    const std::string& from = characters->text();
    if (from.size() > 1000) throw Fault("strip takes at most 1000 characters");
    for (size_t at = 0; at < from.size(); at += utf8_length(from[at])) set += utf8_at(from, at).code;
  }
  const auto goes = [&](size_t at) {
    return has_set ? set.find(utf8_at(text, at).code) != std::u32string::npos : is_space(text, at);
  };
  size_t begin = 0, end = text.size();
  while (left && begin < end && goes(begin)) begin += utf8_length(text[begin]);
  while (right && end > begin && goes(previous(text, end))) end = previous(text, end);
  return std::string(text.substr(begin, end - begin));
}

std::string replace_all(Renderer& renderer, const std::string& text, const std::string& from, const std::string& to,
                        int64_t limit) {
  std::string out;
  renderer.charge_search(text.size(), from.size());
  size_t at = 0;
  const auto put = [&](std::string_view part) {
    out += part;
    if (out.size() > text.size() + 4096) renderer.charge_text(out.size() > (64u << 20) ? SIZE_MAX : part.size());
  };
  if (from.empty()) {  // before every character and at the end
    while (limit-- > 0) {
      put(to);
      if (at >= text.size()) return out;
      const size_t length = utf8_length(text[at]);
      put(std::string_view(text).substr(at, length));
      at += length;
    }
    return out + text.substr(at);
  }
  for (size_t found = text.find(from); found != std::string::npos && limit-- > 0; found = text.find(from, at)) {
    put(std::string_view(text).substr(at, found - at));
    put(to);
    at = found + from.size();
  }
  return out + text.substr(at);
}

size_t count_chars(std::string_view text) {
  return static_cast<size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

}  // namespace posttrain::jinja

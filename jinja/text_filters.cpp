// Filters that make text or a number of one value.
#include <algorithm>
#include <cmath>
#include <cstdlib>

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

V tojson(R& r, const V& v, A& args) {
  JsonStyle style;
  style.ensure_ascii = args.flag(0, "ensure_ascii", false);
  const V indent = args.get(1, "indent", None{});
  if (indent.is_text()) throw Fault("tojson's indent must be a number");
  if (!indent.is_none() && !indent.is_undefined()) {
    style.indent = static_cast<int>(std::min<size_t>(checked_width(indent), 16));
    style.item_separator = ",";
  }
  const V separators = args.get(2, "separators", None{});
  if (separators.is_list() && separators.items().size() == 2) {
    style.item_separator = to_str(separators.items()[0]);
    style.key_separator = to_str(separators.items()[1]);
    if (style.item_separator.size() > 100 || style.key_separator.size() > 100)
      throw Fault("tojson's separators are too long");
  }
  style.sort_keys = args.flag(3, "sort_keys", false);
  r.charge(v.weight());
  std::string text = to_json(v, style);
  r.charge_text(text.size());
  return text;
}

V default_value(R&, const V& v, A& args) {
  const bool also_false = args.flag(1, "boolean", false);
  return v.is_undefined() || (also_false && !v.truthy()) ? args.get(0, "default_value", "") : v;
}

V indent(R& r, const V& v, A& args) {
  const V width = args.get(0, "width", 4);
  const std::string pad =
      width.is_text() ? width.text() : std::string(std::min<size_t>(checked_width(width), 1000), ' ');
  const bool first = args.flag(1, "first", false), blank = args.flag(2, "blank", false);
  const std::string text = to_str(v);
  std::string out;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const bool pads = begin == 0 ? first : blank || end > begin;
    if (begin > 0) out += '\n';
    if (pads) out += pad;
    out.append(text, begin, end - begin);
    r.charge_text(pad.size() + end - begin);
    begin = end + 1;
  }
  return out;
}

V to_integer(R&, const V& v, A& args) {
  V fallback = args.get(0, "default", 0);
  if (v.is_float()) return std::abs(v.number()) < 9e18 ? V(static_cast<int64_t>(v.number())) : fallback;
  if (v.is_number()) return v.integer();
  if (!v.is_text()) return fallback;
  const std::string text = strip(v.text(), nullptr, true, true);
  const int base = static_cast<int>(std::clamp<int64_t>(args.get(1, "base", 10).integer(), 2, 36));
  char* end = nullptr;
  errno = 0;
  const long long whole = std::strtoll(text.c_str(), &end, base);
  if (!text.empty() && *end == '\0' && errno == 0) return static_cast<int64_t>(whole);
  const double number = std::strtod(text.c_str(), &end);
  return !text.empty() && *end == '\0' && std::abs(number) < 9e18 ? V(static_cast<int64_t>(number)) : fallback;
}

V to_float(R&, const V& v, A& args) {
  V fallback = args.get(0, "default", 0.0);
  if (v.is_number()) return v.number();
  if (!v.is_text()) return fallback;
  const std::string text = strip(v.text(), nullptr, true, true);
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  return !text.empty() && *end == '\0' ? V(number) : fallback;
}

V round_number(R&, const V& v, A& args) {
  const double scale = std::pow(10.0, static_cast<double>(checked_width(args.get(0, "precision", 0))));
  const std::string method = to_str(args.get(1, "method", "common"));
  const double scaled = v.number() * scale;
  if (method == "ceil") return std::ceil(scaled) / scale;
  if (method == "floor") return std::floor(scaled) / scale;
  if (method != "common") throw Fault("round's method is common, ceil or floor");
  return std::nearbyint(scaled) / scale;
}

V escape(R& r, const V& v, A&) {
  std::string out;
  for (const char c : to_str(v)) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&#34;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  r.charge_text(out.size());
  return out;
}

V urlencode(R& r, const V& v, A&) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : to_str(v)) {
    const bool plain = is_letter_or_digit(c) || c == '_' || c == '.' || c == '-' || c == '~' || c == '/';
    if (plain) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  r.charge_text(out.size());
  return out;
}

V truncate(R&, const V& v, A& args) {
  const std::string text = to_str(v), end = to_str(args.get(2, "end", "..."));
  const size_t length = checked_width(args.get(0, "length", 255)), leeway = checked_width(args.get(3, "leeway", 5));
  if (count_chars(text) <= length + leeway) return text;
  const V::Items chars = iterate(V(text));
  std::string out;
  const size_t room = length - std::min(length, count_chars(end));
  for (size_t i = 0; i < room; ++i) out += chars[i].text();
  if (!args.flag(1, "killwords", false) && out.find(' ') != std::string::npos) out.resize(out.rfind(' '));
  return out + end;
}

// "%s %d" with the arguments in order.
V percent_format(R& r, const V& v, A& args) {
  std::string out;
  size_t place = 0;
  const std::string text = to_str(v);
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      out += text[at];
      continue;
    }
    const char kind = at + 1 < text.size() ? text[++at] : '\0';
    if (kind == '%') {
      out += '%';
    } else if (kind == 's') {
      out += to_str(args.need(place++, "argument"));
    } else if (kind == 'd' || kind == 'i') {
      const V& value = args.need(place++, "argument");
      out += std::to_string(value.is_float() ? static_cast<int64_t>(std::clamp(value.number(), -9e18, 9e18))
                                             : value.integer());
    } else {
      throw Fault("format: only %s, %d and %% are supported");
    }
    r.charge_text(out.size());
  }
  return out;
}

V length(R& r, const V& v, A&) {
  if (v.is_list()) return static_cast<int64_t>(v.items().size());
  if (v.is_dict()) return static_cast<int64_t>(v.pairs().size());
  if (v.is_undefined()) return 0;
  if (!v.is_text()) throw Fault(v.type() + " has no length");
  r.charge_text(v.text().size());
  return static_cast<int64_t>(count_chars(v.text()));
}

V center(R& r, const V& v, A& args) {
  A width;
  width.positional = {args.get(0, "width", 80)};
  const V text = to_str(v);
  return find_method(text, "center")->apply(r, text, width);
}

V wordcount(R& r, const V& v, A&) {
  A none;
  const V text = to_str(v);
  return static_cast<int64_t>(find_method(text, "split")->apply(r, text, none).items().size());
}

V replace(R& r, const V& v, A& args) {
  const V limit = args.get(2, "count", None{});
  return replace_all(r, to_str(v), to_str(args.need(0, "old")), to_str(args.need(1, "new")),
                     limit.is_none() ? INT64_MAX : limit.integer());
}

V absolute(R&, const V& v, A&) {
  if (v.is_float()) return std::abs(v.number());
  if (v.integer() == INT64_MIN) throw Fault("integer overflow");
  return std::abs(v.integer());
}

constexpr Builtin kTextFilters[] = {
    {"tojson", tojson},
    {"default", default_value},
    {"d", default_value},
    {"trim", [](R&, const V& v, A& a) -> V { return strip(to_str(v), a.find(0, "chars"), true, true); }},
    {"upper", [](R&, const V& v, A&) -> V { return to_upper(to_str(v)); }},
    {"lower", [](R&, const V& v, A&) -> V { return lowercase(to_str(v)); }},
    {"title", [](R&, const V& v, A&) -> V { return to_title(to_str(v)); }},
    {"capitalize", [](R&, const V& v, A&) -> V { return capitalized(to_str(v)); }},
    {"string", [](R&, const V& v, A&) -> V { return to_str(v); }},
    {"safe", [](R&, const V& v, A&) -> V { return v; }},
    {"escape", escape},
    {"e", escape},
    {"forceescape", escape},
    {"indent", indent},
    {"int", to_integer},
    {"float", to_float},
    {"round", round_number},
    {"abs", absolute},
    {"length", length},
    {"count", length},
    {"replace", replace},
    {"center", center},
    {"truncate", truncate},
    {"wordcount", wordcount},
    {"urlencode", urlencode},
    {"format", percent_format},
    {"pprint", [](R&, const V& v, A&) -> V { return to_repr(v); }},
};

}  // namespace

const Builtin* find_text_filter(std::string_view name) {
  const auto* found = std::ranges::find(kTextFilters, name, &Builtin::name);
  return found == std::end(kTextFilters) ? nullptr : found;
}

std::string to_upper(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const Utf8Step step = utf8_at(text, at);
    step.code == 0xDF ? out += "SS" : (append_utf8(out, uppercase(step.code)), out);
    at += step.length;
  }
  return out;
}

std::string to_title(std::string_view text) {
  std::string out;
  bool in_word = false;
  for (size_t at = 0; at < text.size();) {
    const Utf8Step step = utf8_at(text, at);
    const std::string_view c = text.substr(at, step.length);
    in_word ? out += lowercase(c) : out += to_upper(c);
    in_word = (char_class(step.code) & (kLetter | kMark)) != 0;
    at += step.length;
  }
  return out;
}

std::string capitalized(std::string_view text) {
  if (text.empty()) return "";
  const uint32_t first = utf8_length(text[0]);
  return to_upper(text.substr(0, first)) + lowercase(text.substr(first));
}

}  // namespace posttrain::jinja

// Tests: {% if value is name %}.
#include <algorithm>

#include "base/letters.h"
#include "jinja/builtins.h"

namespace posttrain::jinja {
namespace {

using R = Renderer;
using V = Value;
using A = Args;

int order(const V& v, A& args) {
  return compare(v, args.need(0, "other"));
}

bool is_case(const V& v, bool upper) {
  if (!v.is_text()) return false;
  bool any = false;
  for (const char c : v.text()) {
    if (!is_letter(c)) continue;
    if (is_capital(c) != upper) return false;
    any = true;
  }
  return any;
}

bool same(const V& a, const V& b) {
  if (a.is_boolean() != b.is_boolean() || a.is_integer() != b.is_integer()) return false;
  return equals(a, b);
}

constexpr Builtin kTests[] = {
    {"defined", [](R&, const V& v, A&) -> V { return !v.is_undefined(); }},
    {"undefined", [](R&, const V& v, A&) -> V { return v.is_undefined(); }},
    {"none", [](R&, const V& v, A&) -> V { return v.is_none(); }},
    {"string", [](R&, const V& v, A&) -> V { return v.is_text(); }},
    {"number", [](R&, const V& v, A&) -> V { return v.is_number(); }},
    {"integer", [](R&, const V& v, A&) -> V { return v.is_integer(); }},
    {"float", [](R&, const V& v, A&) -> V { return v.is_float(); }},
    {"boolean", [](R&, const V& v, A&) -> V { return v.is_boolean(); }},
    {"true", [](R&, const V& v, A&) -> V { return v.is_boolean() && v.truthy(); }},
    {"false", [](R&, const V& v, A&) -> V { return v.is_boolean() && !v.truthy(); }},
    {"mapping", [](R&, const V& v, A&) -> V { return v.is_dict(); }},
    // As in Python, whatever has a length and items: text and undefined values too.
    {"sequence", [](R&, const V& v, A&) -> V { return v.is_list() || v.is_dict() || v.is_text() || v.is_undefined(); }},
    {"iterable", [](R&, const V& v, A&) -> V { return v.is_list() || v.is_dict() || v.is_text() || v.is_undefined(); }},
    {"callable", [](R&, const V& v, A&) -> V { return v.is_callable(); }},
    {"odd", [](R&, const V& v, A&) -> V { return v.integer() % 2 != 0; }},
    {"even", [](R&, const V& v, A&) -> V { return v.integer() % 2 == 0; }},
    {"divisibleby",
     [](R&, const V& v, A& args) -> V {
       const int64_t by = args.need(0, "num").integer();
       if (by == 0) throw Fault("division by zero");
       return by == -1 || v.integer() % by == 0;
     }},
    {"in",
     [](R& r, const V& v, A& args) -> V {
       r.charge(args.need(0, "seq").weight());
       return contains(args.need(0, "seq"), v);
     }},
    {"eq", [](R&, const V& v, A& args) -> V { return equals(v, args.need(0, "other")); }},
    {"equalto", [](R&, const V& v, A& args) -> V { return equals(v, args.need(0, "other")); }},
    {"==", [](R&, const V& v, A& args) -> V { return equals(v, args.need(0, "other")); }},
    {"ne", [](R&, const V& v, A& args) -> V { return !equals(v, args.need(0, "other")); }},
    {"!=", [](R&, const V& v, A& args) -> V { return !equals(v, args.need(0, "other")); }},
    {"lt", [](R&, const V& v, A& args) -> V { return order(v, args) < 0; }},
    {"lessthan", [](R&, const V& v, A& args) -> V { return order(v, args) < 0; }},
    {"<", [](R&, const V& v, A& args) -> V { return order(v, args) < 0; }},
    {"le", [](R&, const V& v, A& args) -> V { return order(v, args) <= 0; }},
    {"<=", [](R&, const V& v, A& args) -> V { return order(v, args) <= 0; }},
    {"gt", [](R&, const V& v, A& args) -> V { return order(v, args) > 0; }},
    {"greaterthan", [](R&, const V& v, A& args) -> V { return order(v, args) > 0; }},
    {">", [](R&, const V& v, A& args) -> V { return order(v, args) > 0; }},
    {"ge", [](R&, const V& v, A& args) -> V { return order(v, args) >= 0; }},
    {">=", [](R&, const V& v, A& args) -> V { return order(v, args) >= 0; }},
    {"sameas", [](R&, const V& v, A& args) -> V { return same(v, args.need(0, "other")); }},
    {"lower", [](R&, const V& v, A&) -> V { return is_case(v, false); }},
    {"upper", [](R&, const V& v, A&) -> V { return is_case(v, true); }},
    {"filter", [](R&, const V& v, A&) -> V { return v.is_text() && find_filter(v.text()) != nullptr; }},
    {"test", [](R&, const V& v, A&) -> V { return v.is_text() && find_test(v.text()) != nullptr; }},
};

}  // namespace

const Builtin* find_test(std::string_view name) {
  const auto* found = std::ranges::find(kTests, name, &Builtin::name);
  return found == std::end(kTests) ? nullptr : found;
}

}  // namespace posttrain::jinja

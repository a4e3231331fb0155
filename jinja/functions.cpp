#include <algorithm>
#include <ctime>

#include "base/letters.h"
#include "jinja/builtins.h"
#include "jinja/print.h"

namespace posttrain::jinja {
namespace {

Value range(Renderer& renderer, Args& args) {
  int64_t begin = 0, end = 0, step = 1;
  if (args.positional.size() == 1) {
    end = args.need(0, "stop").integer();
  } else {
    begin = args.need(0, "start").integer();
    end = args.need(1, "stop").integer();
    if (const Value* given = args.find(2, "step")) step = given->integer();
  }
  if (step == 0) throw Fault("range's step can't be zero");
  constexpr int64_t kMax = 100'000;  // Jinja's own limit for untrusted templates
  Value::Items items;
  for (int64_t i = begin; step > 0 ? i < end : i > end;) {
    if (static_cast<int64_t>(items.size()) >= kMax) throw Fault("range has more than 100000 items");
    items.emplace_back(i);
    if (__builtin_add_overflow(i, step, &i)) break;
  }
  renderer.charge(items.size());
  return Value::list(std::move(items));
}

Value make_namespace(Renderer& renderer, Args& args) {
  auto members = renderer.new_namespace();
  for (const Value& from : args.positional) {
    if (!from.is_dict()) throw Fault("namespace takes names and values");
    for (const auto& [key, value] : from.pairs()) members->members.emplace_back(to_str(key), value);
  }
  for (auto& [name, value] : args.named) members->members.emplace_back(name, value);
  return Value::of(std::move(members));
}

Value make_dict(Renderer&, Args& args) {
  Value::Pairs pairs;
  for (const Value& from : args.positional) {
    if (!from.is_dict()) throw Fault("dict takes a dict, or names and values");
    pairs = from.pairs();
  }
  for (auto& [name, value] : args.named) pairs.emplace_back(name, value);
  return Value::dict(std::move(pairs));
}

Value raise_exception(Renderer&, Args& args) {
  throw Fault("the template refuses: " + to_str(args.get(0, "message")));
}

Value strftime_now(Renderer&, Args& args) {
  const std::string format = to_str(args.need(0, "format"));
  if (format.size() > 1000) throw Fault("a date format of more than 1000 bytes");
  if (format.empty()) return "";
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  std::string text(format.size() * 64 + 256, '\0');
  text.resize(std::strftime(text.data(), text.size(), format.c_str(), &local));
  return text;
}

}  // namespace

std::vector<std::pair<std::string, Value>> global_functions() {
  std::vector<std::pair<std::string, Value>> functions;
  const auto add = [&](const char* name, Value (*call)(Renderer&, Args&)) {
    functions.emplace_back(name, Value::function(name, call));
  };
  add("range", range);
  add("namespace", make_namespace);
  add("dict", make_dict);
  add("raise_exception", raise_exception);
  add("strftime_now", strftime_now);
  return functions;
}

size_t checked_width(const Value& value) {
  const int64_t width = value.integer();
  if (width < 0 || width > 100'000) throw Fault("expected 0..100000, got " + std::to_string(width));
  return static_cast<size_t>(width);
}

Value walk_attribute(Renderer& renderer, const Value& of, const Value& path) {
  if (!path.is_text()) {
    Args args;
    args.positional = {path};
    return call_filter(renderer, "attr", of, args);
  }
  Value at = of;
  const std::string& text = path.text();
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find('.', begin), text.size());
    const std::string part = text.substr(begin, end - begin);
    const bool is_index = !part.empty() && part.size() < 10 && std::ranges::all_of(part, is_digit);
    Args args;
    args.positional = {is_index ? Value(static_cast<int64_t>(std::stol(part))) : Value(part)};
    at = call_filter(renderer, "attr", at, args);
    begin = end + 1;
  }
  return at;
}

const Builtin* find_filter(std::string_view name) {
  const Builtin* found = find_text_filter(name);
  return found ? found : find_list_filter(name);
}

Value call_filter(Renderer& renderer, const std::string& name, const Value& input, Args& args) {
  const Builtin* filter = find_filter(name);
  if (!filter) throw Fault("unknown filter '" + name + "'");
  return filter->apply(renderer, input, args);
}

bool call_test(Renderer& renderer, const std::string& name, const Value& input, Args& args) {
  const Builtin* test = find_test(name);
  if (!test) throw Fault("unknown test '" + name + "'");
  return test->apply(renderer, input, args).truthy();
}

}  // namespace posttrain::jinja

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/utf8.h"
#include "jinja/builtins.h"
#include "jinja/lexer.h"
#include "jinja/print.h"
#include "jinja/renderer.h"

namespace posttrain::jinja {
namespace {

Fault no_operator(const std::string& sign, const Value& a, const Value& b) {
  return Fault("can't apply '" + sign + "' to " + a.type() + " and " + b.type());
}

// The value at a Python index, counted from the end when negative; -1 when outside.
int64_t resolve_index(int64_t index, size_t size) {
  const auto count = static_cast<int64_t>(size);
  if (index < 0) index += count;
  return index >= 0 && index < count ? index : -1;
}

int64_t floor_divide(int64_t a, int64_t b) {
  const int64_t quotient = a / b;
  return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}

Value divide(const std::string& sign, const Value& a, const Value& b) {
  if (!a.is_number() || !b.is_number()) throw no_operator(sign, a, b);
  if (b.number() == 0) throw Fault("division by zero");
  if (sign == "/") return a.number() / b.number();
  if (a.is_float() || b.is_float()) {
    const double quotient = std::floor(a.number() / b.number());
    return sign == "//" ? quotient : a.number() - quotient * b.number();
  }
  if (b.integer() == -1)
    return sign == "//" && a.integer() == INT64_MIN ? throw Fault("integer overflow")
           : sign == "//"                           ? Value(-a.integer())
                                                    : Value(int64_t{0});
  const int64_t quotient = floor_divide(a.integer(), b.integer());
  return sign == "//" ? quotient : a.integer() - quotient * b.integer();
}

Value power(const Value& a, const Value& b) {
  if (!a.is_number() || !b.is_number()) throw no_operator("**", a, b);
  if (a.is_float() || b.is_float() || b.integer() < 0) return std::pow(a.number(), b.number());
  int64_t result = 1;
  if (a.integer() == 0 || a.integer() == 1) return b.integer() == 0 ? int64_t{1} : a.integer();
  if (b.integer() > 64) throw Fault("integer overflow");
  for (int64_t i = 0; i < b.integer(); ++i) {
    if (__builtin_mul_overflow(result, a.integer(), &result)) throw Fault("integer overflow");
  }
  return result;
}

Value subtract(const Value& a, const Value& b) {
  if (!a.is_number() || !b.is_number()) throw no_operator("-", a, b);
  if (a.is_float() || b.is_float()) return a.number() - b.number();
  int64_t result = 0;
  if (__builtin_sub_overflow(a.integer(), b.integer(), &result)) throw Fault("integer overflow");
  return result;
}

Value loop_attribute(const Loop& loop, const std::string& name) {
  const auto index = static_cast<int64_t>(loop.index), length = static_cast<int64_t>(loop.items.size());
  if (name == "index") return index + 1;
  if (name == "index0") return index;
  if (name == "revindex") return length - index;
  if (name == "revindex0") return length - index - 1;
  if (name == "first") return index == 0;
  if (name == "last") return index == length - 1;
  if (name == "length") return length;
  if (name == "depth") return loop.depth;
  if (name == "depth0") return loop.depth - 1;
  if (name == "previtem") return index > 0 ? loop.items[loop.index - 1] : Value::undefined("loop.previtem");
  if (name == "nextitem") return index + 1 < length ? loop.items[loop.index + 1] : Value::undefined("loop.nextitem");
  if (name == "cycle") {
    return Value::function("cycle", [at = loop.index](Renderer&, Args& args) {
      if (args.positional.empty()) throw Fault("cycle needs values");
      return args.positional[at % args.positional.size()];
    });
  }
  return Value::undefined("loop." + name);
}

}  // namespace

Value Renderer::eval(const Expression& e) {
  try {
    const Deeper deeper(*this);
    charge(1);
    return eval_kind(e);
  } catch (const Fault& fault) {
    throw Error(place_text(where_, e.place), fault.what());
  }
}

Value Renderer::eval_kind(const Expression& e) {
  switch (e.kind) {
    case Expression::Kind::constant:
      return e.value;
    case Expression::Kind::name: {
      const Value* found = find_variable(e.text);
      return found ? *found : Value::undefined(e.text);
    }
    case Expression::Kind::list:
      return Value::list(eval_all(e.children));
    case Expression::Kind::tuple:
      return Value::list(eval_all(e.children), true);
    case Expression::Kind::dict:
      return eval_dict(e);
    case Expression::Kind::unary:
      return eval_unary(e);
    case Expression::Kind::binary:
      return eval_binary(e);
    case Expression::Kind::comparison:
      return eval_comparison(e);
    case Expression::Kind::conditional:
      if (eval(*e.children[0]).truthy()) return eval(*e.children[1]);
      return e.children[2] ? eval(*e.children[2]) : Value();
    case Expression::Kind::attribute:
      return attribute(eval(*e.children[0]), e.text);
    case Expression::Kind::subscript:
      return subscript(eval(*e.children[0]), eval(*e.children[1]));
    case Expression::Kind::slice:
      return eval_slice(e);
    case Expression::Kind::call:
      return eval_call(e);
    case Expression::Kind::filter:
      return apply_filters(&e, Value());
    case Expression::Kind::test: {
      const Value input = eval(*e.children[0]);
      Args args = eval_arguments(e.arguments);
      return call_test(*this, e.text, input, args);
    }
  }
  return Value();
}

Value::Items Renderer::eval_all(const std::vector<ExpressionPtr>& expressions) {
  Value::Items items;
  items.reserve(expressions.size());
  for (const auto& expression : expressions) items.push_back(eval(*expression));
  return items;
}

Value Renderer::eval_dict(const Expression& e) {
  Value::Pairs pairs;
  for (size_t i = 0; i + 1 < e.children.size(); i += 2) {
    Value key = eval(*e.children[i]), value = eval(*e.children[i + 1]);
    if (key.is_list() || key.is_dict()) throw Fault("a " + key.type() + " can't be a key");
    charge(pairs.size() / 8);
    const auto same = [&](const auto& pair) { return equals(pair.first, key); };
    const auto found = std::find_if(pairs.begin(), pairs.end(), same);
    if (found != pairs.end()) {
      found->second = std::move(value);
    } else {
      pairs.emplace_back(std::move(key), std::move(value));
    }
  }
  return Value::dict(std::move(pairs));
}

Value Renderer::eval_unary(const Expression& e) {
  const Value value = eval(*e.children[0]);
  if (e.text == "not") return !value.truthy();
  if (!value.is_number()) throw Fault("can't apply '" + e.text + "' to " + value.type());
  if (e.text == "+") return value.is_float() ? value : Value(value.integer());
  return value.is_float() ? Value(-value.number()) : subtract(int64_t{0}, value);
}

Value Renderer::add(const Value& a, const Value& b) {
  if (a.is_text() && b.is_text()) {
    charge_text(a.text().size() + b.text().size());
    return a.text() + b.text();
  }
  if (a.is_list() && b.is_list() && a.is_tuple() == b.is_tuple()) {
    charge(a.items().size() + b.items().size());
    Value::Items items = a.items();
    items.insert(items.end(), b.items().begin(), b.items().end());
    return Value::list(std::move(items), a.is_tuple());
  }
  if (!a.is_number() || !b.is_number()) throw no_operator("+", a, b);
  if (a.is_float() || b.is_float()) return a.number() + b.number();
  int64_t result = 0;
  if (__builtin_add_overflow(a.integer(), b.integer(), &result)) throw Fault("integer overflow");
  return result;
}

Value Renderer::multiply(const Value& a, const Value& b) {
  if ((b.is_text() || b.is_list()) && a.is_number()) return multiply(b, a);
  if (!b.is_number()) throw no_operator("*", a, b);
  if (a.is_text() || a.is_list()) {
    const auto times = static_cast<size_t>(std::clamp<int64_t>(b.integer(), 0, 1 << 30));
    if (a.is_text()) {
      if (a.text().empty()) return a;
      charge_text(times > limits_.text ? limits_.text + 1 : times * a.text().size());
      std::string text;
      for (size_t i = 0; i < times; ++i) text += a.text();
      return text;
    }
    charge(times * (a.items().size() + 1));
    Value::Items items;
    for (size_t i = 0; i < times; ++i) items.insert(items.end(), a.items().begin(), a.items().end());
    return Value::list(std::move(items), a.is_tuple());
  }
  if (!a.is_number()) throw no_operator("*", a, b);
  if (a.is_float() || b.is_float()) return a.number() * b.number();
  int64_t result = 0;
  if (__builtin_mul_overflow(a.integer(), b.integer(), &result)) throw Fault("integer overflow");
  return result;
}

Value Renderer::eval_binary(const Expression& e) {
  Value left = eval(*e.children[0]);
  if (e.text == "and") return left.truthy() ? eval(*e.children[1]) : left;
  if (e.text == "or") return left.truthy() ? left : eval(*e.children[1]);
  const Value right = eval(*e.children[1]);
  if (e.text == "~") {
    std::string a = to_str(left);
    const std::string b = to_str(right);
    charge_text(a.size() + b.size());
    return a + b;
  }
  if (e.text == "+") return add(left, right);
  if (e.text == "-") return subtract(left, right);
  if (e.text == "*") return multiply(left, right);
  if (e.text == "**") return power(left, right);
  if (e.text == "%" && left.is_text()) {
    Args args;
    if (right.is_tuple()) {
      args.positional = right.items();
    } else {
      args.positional.push_back(right);
    }
    return call_filter(*this, "format", left, args);
  }
  return divide(e.text, left, right);
}

Value Renderer::eval_comparison(const Expression& e) {
  Value left = eval(*e.children[0]);
  for (size_t i = 0; i < e.operators.size(); ++i) {
    const std::string& sign = e.operators[i];
    Value right = eval(*e.children[i + 1]);
    bool holds = false;
    if (sign == "in" || sign == "not in") {
      charge(right.weight());
      if (left.is_text() && right.is_text()) charge_search(right.text().size(), left.text().size());
      if (right.is_number() || right.is_none()) throw Fault("'in' needs a list, dict or str, got " + right.type());
      holds = contains(right, left) == (sign == "in");
    } else if (sign == "==" || sign == "!=") {
      charge(std::min(left.weight(), right.weight()));
      holds = equals(left, right) == (sign == "==");
    } else {
      charge(std::min(left.weight(), right.weight()));
      const int order = compare(left, right);
      holds = sign == "<" ? order < 0 : sign == ">" ? order > 0 : sign == "<=" ? order <= 0 : order >= 0;
    }
    if (!holds) return false;
    left = std::move(right);
  }
  return true;
}

Args Renderer::eval_arguments(const Arguments& arguments) {
  Args args;
  args.positional = eval_all(arguments.positional);
  for (const auto& [name, value] : arguments.named) args.named.emplace_back(name, eval(*value));
  if (arguments.unpacked) {
    for (Value& item : iterate(eval(*arguments.unpacked))) args.positional.push_back(std::move(item));
  }
  if (arguments.unpacked_named) {
    const Value more = eval(*arguments.unpacked_named);
    if (!more.is_dict()) throw Fault("'**' needs a dict, got " + more.type());
    for (const auto& [key, value] : more.pairs()) args.named.emplace_back(to_str(key), value);
  }
  return args;
}

Value Renderer::eval_call(const Expression& e) {
  const Expression& callee = *e.children[0];
  if (callee.kind == Expression::Kind::attribute) {
    // A method is called on its object without making a function value first.
    const Value object = eval(*callee.children[0]);
    if (const Builtin* method = find_method(object, callee.text)) {
      Args args = eval_arguments(e.arguments);
      return method->apply(*this, object, args);
    }
    const Value function = attribute(object, callee.text);
    if (function.is_undefined()) throw Fault(object.type() + " has no '" + callee.text + "' that can be called");
    Args args = eval_arguments(e.arguments);
    return call(function, args);
  }
  const Value function = eval(callee);
  Args args = eval_arguments(e.arguments);
  return call(function, args);
}

Value Renderer::call(const Value& callee, Args& args) {
  if (const Loop* loop = callee.loop()) return call_loop(*loop, args);
  const Callable* function = callee.callable();
  if (!function) throw Fault(callee.type() + " can't be called");
  return function->call(*this, args);
}

Value Renderer::apply_filters(const Expression* chain, Value input) {
  if (!chain) return input;
  if (chain->kind != Expression::Kind::filter) return eval(*chain);
  if (chain->children[0]) {
    // In a filter block the chain's first filter takes what the block printed, so the input is passed down.
    const bool to_block = chain->children[0]->kind == Expression::Kind::filter;
    input = to_block ? apply_filters(chain->children[0].get(), std::move(input)) : eval(*chain->children[0]);
  }
  try {
    const Deeper deeper(*this);
    charge(1);
    Args args = eval_arguments(chain->arguments);
    return call_filter(*this, chain->text, input, args);
  } catch (const Fault& fault) {
    throw Error(place_text(where_, chain->place), fault.what());
  }
}

Value Renderer::attribute(const Value& of, const std::string& name) {
  if (of.is_undefined()) throw Fault(of.type() + ", has no attribute '" + name + "'");
  if (const Loop* loop = of.loop()) return loop_attribute(*loop, name);
  if (const Namespace* members = of.name_space()) {
    for (const auto& [key, value] : members->members) {
      if (key == name) return value;
    }
    return Value::undefined(name);
  }
  if (const Builtin* method = find_method(of, name)) {
    return Value::function(name, [of, method](Renderer& r, Args& args) { return method->apply(r, of, args); });
  }
  const Value* found = of.is_dict() ? of.find_key(name) : nullptr;
  return found ? *found : Value::undefined(name);
}

Value Renderer::subscript(const Value& of, const Value& key) {
  if (of.is_undefined()) throw Fault(of.type() + ", has no items");
  if (of.is_dict()) {
    charge(of.pairs().size() / 8);
    const Value* found = of.find(key);
    if (found) return *found;
  } else if (of.is_list() && (key.is_integer() || key.is_boolean())) {
    const int64_t index = resolve_index(key.integer(), of.items().size());
    return index >= 0 ? of.items()[static_cast<size_t>(index)] : Value::undefined("list[" + to_str(key) + "]");
  } else if (of.is_text() && (key.is_integer() || key.is_boolean())) {
    charge(of.text().size());
    const Value::Items chars = iterate(of);
    const int64_t index = resolve_index(key.integer(), chars.size());
    return index >= 0 ? chars[static_cast<size_t>(index)] : Value::undefined("str[" + to_str(key) + "]");
  }
  return key.is_text() ? attribute(of, key.text()) : Value::undefined(to_str(key));
}

Value Renderer::eval_slice(const Expression& e) {
  const Value of = eval(*e.children[0]);
  const auto part = [&](size_t i, int64_t fallback) {
    if (!e.children[i]) return fallback;
    const Value value = eval(*e.children[i]);
    return value.is_none() ? fallback : value.integer();
  };
  const int64_t step = part(3, 1);
  if (step == 0) throw Fault("a slice's step can't be zero");
  if (of.is_undefined()) throw Fault(of.type() + ", can't be sliced");
  if (!of.is_text() && !of.is_list()) throw Fault(of.type() + " can't be sliced");
  charge(of.is_text() ? of.text().size() : of.items().size());
  const Value::Items items = iterate(of);
  const auto size = static_cast<int64_t>(items.size());
  const auto clamp = [&](int64_t at, int64_t low, int64_t high) {
    return std::clamp(at < 0 ? at + size : at, low, high);
  };
  int64_t at = step > 0        ? clamp(part(1, 0), 0, size)
               : e.children[1] ? clamp(part(1, size - 1), -1, size - 1)
                               : size - 1;
  const int64_t end = step > 0 ? clamp(part(2, size), 0, size) : e.children[2] ? clamp(part(2, -1), -1, size - 1) : -1;
  Value::Items out;
  for (; step > 0 ? at < end : at > end; at += std::clamp<int64_t>(step, -size - 1, size + 1)) {
    out.push_back(items[static_cast<size_t>(at)]);
  }
  if (of.is_list()) return Value::list(std::move(out), of.is_tuple());
  std::string text;
  for (const Value& c : out) text += c.text();
  return text;
}

}  // namespace posttrain::jinja

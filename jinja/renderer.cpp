#include "jinja/renderer.h"

#include <algorithm>

#include "base/error.h"
#include "jinja/builtins.h"
#include "jinja/lexer.h"
#include "jinja/print.h"

namespace posttrain::jinja {

// Names set inside stay inside.
class Renderer::InFrame {
 public:
  InFrame(Renderer& r, size_t parent) : r_(r), outer_(r.frame_) {
    r_.frames_.push_back({{}, parent, r_.next_serial_++});
    r_.frame_ = r_.frames_.size() - 1;
  }
  ~InFrame() {
    r_.frames_.pop_back();
    r_.frame_ = outer_;
  }
  InFrame(const InFrame&) = delete;
  InFrame& operator=(const InFrame&) = delete;

 private:
  Renderer& r_;
  size_t outer_;
};

Renderer::Renderer(const Block& program, std::string where, const Limits& limits)
    : program_(program), where_(std::move(where)), limits_(limits), steps_left_(limits.steps) {}

Renderer::~Renderer() {
  for (const auto& held : namespaces_) held->members.clear();
}

Output Renderer::render(std::vector<std::pair<std::string, Value>> variables) {
  frames_.push_back({global_functions(), 0, next_serial_++});
  frames_.push_back({std::move(variables), 0, next_serial_++});
  frame_ = 1;
  out_ = &output_.text;
  run(program_);
  return std::move(output_);
}

void Renderer::charge(uint64_t steps) {
  if (steps > steps_left_) throw Fault("the template takes too many steps (is a loop without end?)");
  steps_left_ -= steps;
}

void Renderer::charge_text(size_t bytes) {
  if (bytes > limits_.text)
    throw Fault("the template makes a text of more than " + std::to_string(limits_.text) + " bytes");
  charge(bytes / 16);
}

std::shared_ptr<Namespace> Renderer::new_namespace() {
  charge(50);
  namespaces_.push_back(std::make_shared<Namespace>());
  return namespaces_.back();
}

void Renderer::print(const std::string& text) {
  charge_text(text.size());
  if (out_->size() + text.size() > limits_.text) throw Fault("the template prints too much");
  *out_ += text;
}

const Value* Renderer::find_variable(const std::string& name) const {
  for (size_t frame = frame_;; frame = frames_[frame].parent) {
    const auto& variables = frames_[frame].variables;
    const auto found = std::ranges::find(variables, name, &std::pair<std::string, Value>::first);
    if (found != variables.end()) return &found->second;
    if (frame == 0) return nullptr;
  }
}

void Renderer::set_variable(const std::string& name, Value value) {
  auto& variables = frames_[frame_].variables;
  const auto found = std::ranges::find(variables, name, &std::pair<std::string, Value>::first);
  if (found != variables.end()) {
    found->second = std::move(value);
  } else {
    variables.emplace_back(name, std::move(value));
  }
}

void Renderer::assign_targets(const std::vector<std::string>& targets, const Value& value) {
  if (targets.size() == 1) {
    set_variable(targets[0], value);
    return;
  }
  const Value::Items items = iterate(value);
  if (items.size() != targets.size()) {
    throw Fault("expected " + std::to_string(targets.size()) + " values, got " + std::to_string(items.size()));
  }
  for (size_t i = 0; i < items.size(); ++i) set_variable(targets[i], items[i]);
}

Renderer::Flow Renderer::run(const Block& block) {
  for (const auto& statement : block) {
    const Flow flow = run(*statement);
    if (flow != Flow::next) return flow;
  }
  return Flow::next;
}

Renderer::Flow Renderer::run(const Statement& s) {
  try {
    const Deeper deeper(*this);
    charge(1);
    switch (s.kind) {
      case Statement::Kind::text:
        print(s.text);
        break;
      case Statement::Kind::output:
        print(to_str(eval(*s.expressions[0])));
        break;
      case Statement::Kind::branches:
        return run_branches(s);
      case Statement::Kind::loop:
        return run_loop(s, iterate(eval(*s.expressions[0])), 1);
      case Statement::Kind::assign:
        run_assign(s);
        break;
      case Statement::Kind::capture:
        run_capture(s);
        break;
      case Statement::Kind::macro:
        set_variable(s.text, make_macro(s, s.text));
        break;
      case Statement::Kind::call_block:
        run_call_block(s);
        break;
      case Statement::Kind::filter:
        run_filter(s);
        break;
      case Statement::Kind::with:
        run_with(s);
        break;
      case Statement::Kind::generation: {
        const size_t begin = output_.text.size();
        const bool to_output = out_ == &output_.text;
        run(s.bodies[0]);
        if (to_output) output_.generated.emplace_back(begin, output_.text.size());
        break;
      }
      case Statement::Kind::break_loop:
        return Flow::break_loop;
      case Statement::Kind::continue_loop:
        return Flow::continue_loop;
    }
    return Flow::next;
  } catch (const Fault& fault) {
    throw Error(place_text(where_, s.place), fault.what());
  }
}

Renderer::Flow Renderer::run_branches(const Statement& s) {
  for (size_t i = 0; i < s.expressions.size(); ++i) {
    if (eval(*s.expressions[i]).truthy()) return run(s.bodies[i]);
  }
  return s.bodies.size() > s.expressions.size() ? run(s.bodies.back()) : Flow::next;
}

Renderer::Flow Renderer::run_loop(const Statement& s, Value::Items items, int depth) {
  charge(items.size());
  if (s.expressions[1]) {
    const InFrame frame(*this, frame_);
    std::erase_if(items, [&](const Value& item) {
      assign_targets(s.targets, item);
      return !eval(*s.expressions[1]).truthy();
    });
  }
  if (items.empty()) {
    const InFrame frame(*this, frame_);
    return run(s.bodies[1]);
  }
  const auto loop = std::make_shared<Loop>();
  loop->items = std::move(items);
  loop->depth = depth;
  loop->statement = s.recursive ? &s : nullptr;
  loop->frame = frame_;
  for (; loop->index < loop->items.size(); ++loop->index) {
    const InFrame frame(*this, frame_);
    set_variable("loop", Value::of(std::shared_ptr<const Loop>(loop)));
    assign_targets(s.targets, loop->items[loop->index]);
    if (run(s.bodies[0]) == Flow::break_loop) break;
  }
  return Flow::next;
}

void Renderer::run_assign(const Statement& s) {
  const Value value = eval(*s.expressions[0]);
  if (s.attribute.empty()) {
    assign_targets(s.targets, value);
    return;
  }
  const Value* target = find_variable(s.text);
  Namespace* const members = target ? target->name_space() : nullptr;
  if (!members) throw Fault("'" + s.text + "' is not a namespace, so its attributes can't be set");
  for (auto& [name, held] : members->members) {
    if (name != s.attribute) continue;
    held = value;
    return;
  }
  members->members.emplace_back(s.attribute, value);
}

std::string Renderer::captured(const Block& block) {
  std::string text;
  std::string* const outer = std::exchange(out_, &text);
  const InFrame frame(*this, frame_);
  run(block);  // an error ends the whole rendering, so out_ need not be put back then
  out_ = outer;
  return text;
}

void Renderer::run_capture(const Statement& s) {
  Value text = captured(s.bodies[0]);
  set_variable(s.targets[0], apply_filters(s.expressions[0].get(), std::move(text)));
}

void Renderer::run_filter(const Statement& s) {
  print(to_str(apply_filters(s.expressions[0].get(), captured(s.bodies[0]))));
}

void Renderer::run_with(const Statement& s) {
  Value::Items values = eval_all(s.expressions);
  const InFrame frame(*this, frame_);
  for (size_t i = 0; i < values.size(); ++i) set_variable(s.targets[i], std::move(values[i]));
  run(s.bodies[0]);
}

void Renderer::run_call_block(const Statement& s) {
  const Expression& call_expression = *s.expressions[0];
  const Value callee = eval(*call_expression.children[0]);
  Args args = eval_arguments(call_expression.arguments);
  args.named.emplace_back("caller", make_macro(s, "caller"));
  print(to_str(call(callee, args)));
}

Value Renderer::make_macro(const Statement& s, const std::string& name) {
  return Value::function(name, [&s, frame = frame_, serial = frames_[frame_].serial](Renderer& r, Args& args) {
    return r.call_macro(s, frame, serial, args);
  });
}

Value Renderer::call_macro(const Statement& s, size_t frame, uint64_t serial, Args& args) {
  const Deeper deeper(*this);
  // The macro sees what its definition saw, if that is still there.
  const bool alive = frame < frames_.size() && frames_[frame].serial == serial;
  const InFrame in_frame(*this, alive ? frame : 1);
  for (size_t i = 0; i < s.parameters.size(); ++i) {
    const Parameter& parameter = s.parameters[i];
    const Value* given = args.find(i, parameter.name);
    set_variable(parameter.name, given                ? *given
                                 : parameter.fallback ? eval(*parameter.fallback)
                                                      : Value::undefined(parameter.name));
  }
  Value::Items rest;
  for (size_t i = s.parameters.size(); i < args.positional.size(); ++i) rest.push_back(args.positional[i]);
  set_variable("varargs", Value::list(std::move(rest), true));
  Value::Pairs named;
  for (const auto& [name, value] : args.named) {
    if (name == "caller") {
      set_variable("caller", value);
    } else if (std::ranges::find(s.parameters, name, &Parameter::name) == s.parameters.end()) {
      named.emplace_back(name, value);
    }
  }
  set_variable("kwargs", Value::dict(std::move(named)));
  return captured(s.bodies[0]);
}

Value Renderer::call_loop(const Loop& loop, Args& args) {
  const auto* statement = static_cast<const Statement*>(loop.statement);
  if (!statement) throw Fault("the loop is not recursive");
  const Deeper deeper(*this);
  Value::Items items = iterate(args.need(0, "iterable"));
  std::string text;
  std::string* const outer = std::exchange(out_, &text);
  run_loop(*statement, std::move(items), loop.depth + 1);
  out_ = outer;
  return text;
}

}  // namespace posttrain::jinja

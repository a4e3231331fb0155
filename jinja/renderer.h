// Runs a parsed template. Statements are in renderer.cpp, expressions in eval.cpp.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "jinja/ast.h"

namespace posttrain::jinja {

// What a template may use up; chat templates need a small part of it.
struct Limits {
  uint64_t steps = 5'000'000;  // one per expression, statement, list item and 16 bytes of text made
  size_t text = 64 << 20;      // bytes of any one text
  int depth = 600;             // of nested evaluation, macros' included
};

struct Output {
  std::string text;
  std::vector<std::pair<size_t, size_t>> generated;  // bytes of `text` inside {% generation %}
};

class Renderer {
 public:
  Renderer(const Block& program, std::string where, const Limits& limits = {});
  ~Renderer();
  Renderer(const Renderer&) = delete;
  Renderer& operator=(const Renderer&) = delete;

  // Once. Throws Error("<where>:<line>:<column>", ...) for whatever the template does wrong or asks for with
  // raise_exception, and when a limit is reached.
  Output render(std::vector<std::pair<std::string, Value>> variables);

  // ---- for functions, filters and methods
  void charge(uint64_t steps);
  // Throws Fault when a text of this size may not be made; else charges for it.
  void charge_text(size_t bytes);
  // For a search of `needle` bytes in `text` bytes.
  void charge_search(size_t text, size_t needle) { charge(text / 16 + text / 4096 * needle); }
  std::shared_ptr<Namespace> new_namespace();
  Value call(const Value& callee, Args& args);

 private:
  struct Frame {
    std::vector<std::pair<std::string, Value>> variables;
    size_t parent = 0;
    uint64_t serial = 0;
  };
  enum class Flow { next, break_loop, continue_loop };
  class Deeper {
   public:
    explicit Deeper(Renderer& r) : r_(r) {
      if (r_.depth_ >= r_.limits_.depth) throw Fault("nested too deeply (does a macro call itself without end?)");
      ++r_.depth_;
    }
    ~Deeper() { --r_.depth_; }
    Deeper(const Deeper&) = delete;
    Deeper& operator=(const Deeper&) = delete;

   private:
    Renderer& r_;
  };
  class InFrame;

  Flow run(const Block& block);
  Flow run(const Statement& statement);
  Flow run_loop(const Statement& statement, Value::Items items, int depth);
  Flow run_branches(const Statement& statement);
  void run_assign(const Statement& statement);
  void run_capture(const Statement& statement);
  void run_call_block(const Statement& statement);
  void run_filter(const Statement& statement);
  void run_with(const Statement& statement);
  std::string captured(const Block& block);
  void print(const std::string& text);
  void assign_targets(const std::vector<std::string>& targets, const Value& value);
  Value make_macro(const Statement& statement, const std::string& name);
  Value call_macro(const Statement& statement, size_t frame, uint64_t serial, Args& args);
  Value call_loop(const Loop& loop, Args& args);

  Value eval(const Expression& expression);
  Value eval_kind(const Expression& expression);
  Value eval_binary(const Expression& expression);
  Value eval_comparison(const Expression& expression);
  Value eval_unary(const Expression& expression);
  Value eval_call(const Expression& expression);
  Value eval_slice(const Expression& expression);
  Value eval_dict(const Expression& expression);
  Value::Items eval_all(const std::vector<ExpressionPtr>& expressions);
  Args eval_arguments(const Arguments& arguments);
  Value apply_filters(const Expression* chain, Value input);
  Value attribute(const Value& of, const std::string& name);
  Value subscript(const Value& of, const Value& key);
  Value add(const Value& a, const Value& b);
  Value multiply(const Value& a, const Value& b);

  const Value* find_variable(const std::string& name) const;
  void set_variable(const std::string& name, Value value);

  const Block& program_;
  std::string where_;
  Limits limits_;
  uint64_t steps_left_;
  int depth_ = 0;
  std::vector<Frame> frames_;
  size_t frame_ = 0;  // the innermost one
  uint64_t next_serial_ = 1;
  std::vector<std::shared_ptr<Namespace>> namespaces_;  // cleared at the end, so that cycles go
  std::string* out_ = nullptr;
  Output output_;
};

}  // namespace posttrain::jinja

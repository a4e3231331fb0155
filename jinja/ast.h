// A parsed template.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "jinja/value.h"

namespace posttrain::jinja {

struct Place {
  int line = 1, column = 1;
};

struct Expression;
using ExpressionPtr = std::unique_ptr<Expression>;

struct Arguments {
  std::vector<ExpressionPtr> positional;
  std::vector<std::pair<std::string, ExpressionPtr>> named;
  ExpressionPtr unpacked;        // *list
  ExpressionPtr unpacked_named;  // **dict
};

struct Expression {
  enum class Kind {
    constant,     // value
    name,         // text
    list,         // children
    tuple,        // children
    dict,         // children: key, value, key, value, ...
    unary,        // text: "-", "+", "not"; children[0]
    binary,       // text: + - * / // % ** ~ and or; children[0], children[1]
    comparison,   // children[0], then operators[i] children[i + 1]
    conditional,  // children: condition, then, else (may be null)
    attribute,    // children[0] . text
    subscript,    // children[0] [ children[1] ]
    slice,        // children[0] [ children[1] : children[2] : children[3] ], each of them may be null
    call,         // children[0] ( arguments )
    filter,       // children[0] | text ( arguments ); children[0] is null in a filter block
    test,         // children[0] is text ( arguments )
  };
  Kind kind;
  Place place;
  std::string text = {};
  Value value = {};
  std::vector<ExpressionPtr> children = {};
  std::vector<std::string> operators = {};
  Arguments arguments = {};
  int depth = 1;
};

struct Statement;
using Block = std::vector<std::unique_ptr<Statement>>;

struct Parameter {
  std::string name;
  ExpressionPtr fallback;  // may be null
};

struct Statement {
  enum class Kind {
    text,        // text
    output,      // expressions[0]
    branches,    // expressions[i] guards bodies[i]; one body more is the else
    loop,        // for targets in expressions[0] if expressions[1]: bodies[0] else bodies[1]
    assign,      // targets = expressions[0]; or text.attribute = ...
    capture,     // targets[0] = what bodies[0] prints, through the filters in expressions[0] (may be null)
    macro,       // text(parameters): bodies[0]
    call_block,  // expressions[0] is the call; caller(parameters) is bodies[0]
    filter,      // expressions[0] over what bodies[0] prints
    with,        // targets[i] = expressions[i]; bodies[0]
    generation,  // bodies[0] is what the model is to learn
    break_loop,
    continue_loop,
  };
  Kind kind;
  Place place;
  std::string text = {}, attribute = {};
  std::vector<std::string> targets = {};
  std::vector<ExpressionPtr> expressions = {};
  std::vector<Block> bodies = {};
  std::vector<Parameter> parameters = {};
  bool recursive = false;
};

}  // namespace posttrain::jinja

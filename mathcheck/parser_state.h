// The parser's stacks. Private to parser*.cpp.
#pragma once

#include <string>
#include <vector>

#include "mathcheck/budget.h"
#include "mathcheck/lexer.h"
#include "mathcheck/tree.h"

namespace posttrain::mathcheck {

// Thrown inside the parser where the answer makes no sense.
struct NoParse {};

// How tightly operators bind.
enum Precedence : int {
  bind_given = 8,
  bind_relation = 10,
  bind_ratio = 12,
  bind_set = 14,
  bind_add = 20,
  bind_big = 22,  // the body of a sum
  bind_neg = 25,
  bind_mul = 30,
  bind_function = 35,
  bind_argument = 36,  // a product without sign inside a function's argument: sin 2x
  bind_tight = 45,
};

struct Operator {
  Kind kind;
  int binds;
  uint8_t op = 0;  // Relation, Function
  bool prefix = false;
  bool waiting = false;                               // a function whose argument has not begun
  int power = -1, base = -1, lower = -1, upper = -1;  // of functions, logarithms and sums
};

struct Frame {
  Bracket bracket = Bracket::group;
  size_t operators = 0, values = 0;  // sizes of the stacks when it was opened
  bool separated = false;            // a comma or the like stood in it
  Separator separator = Separator::comma;
  bool call = false;                     // directly behind a function's name
  bool item = false;                     // something of the item being read is there
  bool reversed = false;                 // opened by a closing bracket: ]a, b[
  bool determinant = false;              // vmatrix
  bool double_bar = false;               // opened by ||
  int columns = 0, rows = 0, cells = 0;  // of a matrix
  size_t commands = 0;                   // how many were waiting when it was opened
};

// A command that waits for its arguments.
struct Pending {
  Tok command;
  int need;
  size_t depth;  // of frames, where its arguments are delivered
  bool negative = false;
  int index = -1;  // of a root
  std::vector<int> arguments = {};
};

class Parser {
 public:
  Parser(std::string_view text, Tree& tree, Budget& budget) : tree_(tree), budget_(budget), tokens_(tokenize(text)) {}
  int run();

 private:
  const Token& token(size_t ahead = 0) const {
    const size_t i = at_ + ahead;
    return tokens_.list[i < tokens_.list.size() ? i : tokens_.list.size() - 1];
  }
  Frame& frame() { return frames_.back(); }
  // The function or sum directly before, whose argument has not begun; else null.
  Operator* waiting() {
    const bool own = operators_.size() > frame().operators && operators_.back().waiting;
    return own ? &operators_.back() : nullptr;
  }
  bool wants_argument() const { return !pending_.empty() && pending_.back().depth == frames_.size(); }

  // parser.cpp: the loop over tokens.
  void operand();
  void operation();
  void close(Bracket closing);
  void figure(std::string_view kind);
  bool bar_follows() const;
  bool ends_cell() const;

  // parser_words.cpp: words and units.
  std::string take_words();
  void operand_words();
  void operation_words();
  void words_behind(const std::string& words);
  bool value_follows() const;
  void unit_behind(const Unit& unit);

  // parser_state.cpp: the stacks.
  void push_value(int node);
  void deliver(int node);
  int build_command(Pending& command);
  void open_frame(Bracket bracket, bool reversed = false);
  void close_frame(Bracket closing);
  int gather(Bracket closing);
  void reduce(int binds);
  void apply(const Operator& op);
  // parser_matrix.cpp
  int determinant(int matrix);
  bool cells_are_scalar(int matrix) const;
  int transposed(int matrix);
  void prime();
  int apply_function(const Operator& op, int argument);
  void push_operator(Operator op);
  void binary(Kind kind, int binds, uint8_t op = 0);
  void implicit_product();
  void separate(Separator separator);
  void next_cell(bool new_row);
  void postfix(Kind kind, int index = -1);
  void start_command(Tok command, int need);
  void attach_subscript(int value, int sub);
  int pop();

  Tree& tree_;
  Budget& budget_;
  Tokens tokens_;
  size_t at_ = 0;
  bool want_operand_ = true;
  bool words_end_in_colon_ = false;  // those last taken: a label
  std::vector<int> values_;
  std::vector<Operator> operators_;
  std::vector<Frame> frames_;
  std::vector<Pending> pending_;
};

}  // namespace posttrain::mathcheck

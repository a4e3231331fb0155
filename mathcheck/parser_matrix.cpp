// Matrices written out: determinants and transposes; and what a prime means behind a value.
#include "mathcheck/parser_state.h"

namespace posttrain::mathcheck {

// The determinant of up to four rows as a formula, by its first row; larger ones stay a matrix.
int Parser::determinant(int matrix) {
  const int n = tree_.at(matrix).index;
  if (n < 1 || n > 4 || tree_.at(matrix).count != n * n || !cells_are_scalar(matrix)) throw NoParse{};
  if (n == 1) return tree_.kid(matrix, 0);
  int sum = -1;
  for (int column = 0; column < n; ++column) {
    std::vector<int> minor;
    for (int i = n; i < n * n; ++i) {
      if (i % n != column) minor.push_back(tree_.kid(matrix, i));
    }
    const int below = determinant(tree_.add(Kind::matrix, minor, 0, n - 1));
    const int term = tree_.add(Kind::mul, {tree_.kid(matrix, column), below});
    if (sum < 0)
      sum = term;
    else
      sum = tree_.add(column % 2 == 0 ? Kind::add : Kind::sub, {sum, term});
  }
  return tree_.add(Kind::paren, {sum});
}

bool Parser::cells_are_scalar(int matrix) const {
  for (const int cell : tree_.kids(matrix)) {
    if (!tree_.is_scalar(cell)) return false;
  }
  return true;
}

int Parser::transposed(int matrix) {
  const int rows = tree_.at(matrix).index, columns = tree_.at(matrix).count / rows;
  std::vector<int> cells;
  for (int column = 0; column < columns; ++column) {
    for (int row = 0; row < rows; ++row) cells.push_back(tree_.kid(matrix, row * columns + column));
  }
  return tree_.add(Kind::matrix, cells, 0, columns);
}

// 30' behind degrees is minutes of arc, 5' feet, f' another name.
void Parser::prime() {
  const int base = pop();
  if (tree_.kind(base) != Kind::number && tree_.kind(base) != Kind::quantity) {
    push_value(tree_.symbol(tree_.print(base) + "'"));
    return;
  }
  const bool again = tree_.kind(base) == Kind::quantity;  // the second of two
  const bool follows = values_.size() > frame().values;
  const int before = follows ? values_.back() : -1;
  bool angle = false;
  if (follows) {
    for (int node = before;; node = tree_.kid(node, 0)) {
      angle = tree_.kind(node) == Kind::degree;
      if (tree_.kind(node) != Kind::add) break;
    }
  }
  const char* name = angle ? (again ? "arcsecond" : "arcminute") : (again ? "inch" : "feet");
  values_.push_back(again ? tree_.kid(base, 0) : base);
  unit_behind(*parse_unit(name));
}

}  // namespace posttrain::mathcheck

// JSON text as a tree that knows where each key and value stands, for messages such as "recipe.json:14:5 rl.lr: ...".
// Comments (// and /* */) are allowed; a trailing comma is not.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/json.h"

namespace posttrain {

// A file, with the folder that relative paths in it start from, or a source without one such as "--set".
struct Source {
  std::string name, folder;
};

// Where something was written. Line and column count from 1; line 0 means that only the source is known.
struct Place {
  std::shared_ptr<const Source> source;
  int line = 0, column = 0;
  std::string text() const;
};

struct Node {
  enum class Kind { scalar, list, object };
  struct Member;

  Kind kind = Kind::scalar;
  Place place;
  Json scalar;  // null, a boolean, a number or a text
  std::vector<Node> items;
  std::vector<Member> members;  // in the order of the text

  Node* find(std::string_view key);
  const Node* find(std::string_view key) const;
  bool is_null() const { return kind == Kind::scalar && scalar.is_null(); }
  Json json() const;
};

struct Node::Member {
  std::string key;
  Place place;  // of the key
  Node value;
};

// One thing that is wrong with an input. text() is "<where> <path>: <message>".
struct Problem {
  Place where;
  std::string path, message;
  std::string text() const;
};

// Bad input with every problem found, one a line in what(), in the order of the text.
class Problems : public Error {
 public:
  explicit Problems(std::vector<Problem> list);
  const std::vector<Problem> list;
};

// Throws Problems at the first syntax error; keys given twice are added to `problems` (the first one is kept).
Node parse_node(std::string_view text, const std::string& source, std::vector<Problem>& problems);
// A tree without lines: every place is `source`, and relative paths start from the current folder.
Node to_node(const Json& value, const std::string& source);

// "a.b[1].c" as a, b, [1], c; and the node there, or null.
std::vector<std::string> split_path(std::string_view path);
const Node* find_path(const Node& root, std::string_view path);

}  // namespace posttrain

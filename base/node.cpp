#include "base/node.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <tuple>

namespace posttrain {
namespace {

constexpr int max_depth = 64;

class Parser {
 public:
  Parser(std::string_view text, const std::string& source, std::vector<Problem>& problems)
      : text_(text),
        source_(std::make_shared<const Source>(Source{source, std::filesystem::path(source).parent_path()})),
        problems_(problems) {}

  Node document() {
    if (text_.starts_with("\xef\xbb\xbf")) at_ = 3;  // a byte order mark
    skip_space();
    Node root = value(0);
    skip_space();
    if (at_ < text_.size()) fail("expected the end of the file, got " + here());
    return root;
  }

 private:
  [[noreturn]] void fail(const std::string& message) const { fail(place(), message); }
  [[noreturn]] void fail(const Place& where, const std::string& message) const {
    std::vector<Problem> all = problems_;
    all.push_back({where, path_, message});
    throw Problems(std::move(all));
  }

  Place place() const { return {source_, line_, static_cast<int>(at_ - line_begin_) + 1}; }
  bool more() const { return at_ < text_.size(); }
  char peek() const { return more() ? text_[at_] : '\0'; }

  std::string here() const {
    if (!more()) return "the end of the file";
    if (static_cast<unsigned char>(text_[at_]) < 0x20) return "a control character";
    size_t n = 1;  // whole UTF-8 characters
    while (at_ + n < text_.size() && (static_cast<unsigned char>(text_[at_ + n]) & 0xc0) == 0x80 && n < 4) ++n;
    return "\"" + std::string(text_.substr(at_, n)) + "\"";
  }

  void advance() {
    if (text_[at_++] == '\n') {
      ++line_;
      line_begin_ = at_;
    }
  }

  void skip_space() {
    while (more()) {
      const char c = text_[at_];
      if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
        advance();
      } else if (text_.substr(at_, 2) == "//") {
        while (more() && text_[at_] != '\n') ++at_;
      } else if (text_.substr(at_, 2) == "/*") {
        const Place begin = place();
        const size_t end = text_.find("*/", at_ + 2);
        if (end == std::string_view::npos) fail(begin, "comment is never closed; expected */");
        while (at_ < end + 2) advance();
      } else {
        return;
      }
    }
  }

  Node value(int depth) {
    if (depth > max_depth) fail("nested deeper than " + std::to_string(max_depth) + " levels");
    if (peek() == '{') return object(depth);
    if (peek() == '[') return list(depth);
    Node node;
    node.place = place();
    node.scalar = peek() == '"' ? string() : word();
    return node;
  }

  // Reads the separator after an entry; true when another entry follows.
  bool another(char close) {
    skip_space();
    if (peek() == close) {
      ++at_;
      return false;
    }
    if (peek() != ',') fail(std::string("expected \",\" or \"") + close + "\", got " + here());
    const Place comma = place();
    ++at_;
    skip_space();
    if (peek() == close) fail(comma, std::string("trailing comma before \"") + close + "\"; remove it");
    return true;
  }

  Node object(int depth) {
    Node node;
    node.kind = Node::Kind::object;
    node.place = place();
    ++at_;
    skip_space();
    if (peek() == '}') {
      ++at_;
      return node;
    }
    do {
      Node::Member member;
      member.place = place();
      if (peek() != '"') fail("expected a key in double quotes, got " + here());
      member.key = string().get<std::string>();
      skip_space();
      if (peek() != ':') fail("expected \":\" after the key \"" + member.key + "\", got " + here());
      ++at_;
      skip_space();
      const size_t outer = path_.size();
      path_ += (path_.empty() ? "" : ".") + member.key;
      member.value = value(depth + 1);
      if (const auto first = std::ranges::find(node.members, member.key, &Node::Member::key);
          first != node.members.end()) {
        problems_.push_back({member.place, path_, "key is given twice; first at " + first->place.text()});
      } else {
        node.members.push_back(std::move(member));
      }
      path_.resize(outer);
    } while (another('}'));
    return node;
  }

  Node list(int depth) {
    Node node;
    node.kind = Node::Kind::list;
    node.place = place();
    ++at_;
    skip_space();
    if (peek() == ']') {
      ++at_;
      return node;
    }
    do {
      const size_t outer = path_.size();
      path_ += "[" + std::to_string(node.items.size()) + "]";
      node.items.push_back(value(depth + 1));
      path_.resize(outer);
    } while (another(']'));
    return node;
  }

  Json leaf(size_t begin, const char* what) const {
    const std::string_view slice = text_.substr(begin, at_ - begin);
    try {
      return Json::parse(slice.begin(), slice.end());
    } catch (const Json::exception&) {
      Place where = place();
      where.column = static_cast<int>(begin - line_begin_) + 1;
      fail(where, std::string("expected ") + what);
    }
  }

  Json string() {
    const size_t begin = at_++;
    while (more() && text_[at_] != '"' && text_[at_] != '\n') at_ += text_[at_] == '\\' ? 2 : 1;
    if (peek() != '"') {
      at_ = begin;
      fail("text is not closed on its line; expected \"");
    }
    ++at_;
    return leaf(begin, "a text of valid UTF-8 and JSON escapes");
  }

  Json word() {
    const size_t begin = at_;
    while (more() && std::string_view(" \t\r\n,:]}/[{\"").find(text_[at_]) == std::string_view::npos) ++at_;
    if (at_ == begin) fail("expected a value, got " + here());
    return leaf(begin, "a value: a text in double quotes, a number, true, false, null, [...] or {...}");
  }

  std::string_view text_;
  std::shared_ptr<const Source> source_;
  std::vector<Problem>& problems_;
  std::string path_;
  size_t at_ = 0, line_begin_ = 0;
  int line_ = 1;
};

// By line within a source; sources stay in the order in which they were met, files before the command line.
std::vector<Problem> in_order(std::vector<Problem> problems) {
  std::vector<const Source*> sources;
  for (const auto& problem : problems) {
    if (std::ranges::find(sources, problem.where.source.get()) == sources.end()) {
      sources.push_back(problem.where.source.get());
    }
  }
  std::ranges::stable_sort(problems, {}, [&sources](const Problem& problem) {
    const auto at = std::ranges::find(sources, problem.where.source.get());
    return std::tuple(problem.where.line == 0, at - sources.begin(), problem.where.line, problem.where.column);
  });
  return problems;
}

std::string joined(const std::vector<Problem>& problems) {
  std::string text;
  for (const auto& problem : problems) text += (text.empty() ? "" : "\n") + problem.text();
  return text;
}

Node build(const Json& value, const std::shared_ptr<const Source>& source) {
  Node node;
  node.place.source = source;
  if (value.is_object()) {
    node.kind = Node::Kind::object;
    for (const auto& [key, item] : value.items()) node.members.push_back({key, node.place, build(item, source)});
  } else if (value.is_array()) {
    node.kind = Node::Kind::list;
    for (const auto& item : value) node.items.push_back(build(item, source));
  } else {
    node.scalar = value;
  }
  return node;
}

}  // namespace

std::string Place::text() const {
  if (!source) return "";
  return line == 0 ? source->name : source->name + ":" + std::to_string(line) + ":" + std::to_string(column);
}

const Node* Node::find(std::string_view key) const {
  const auto it = std::ranges::find(members, key, &Member::key);
  return it == members.end() ? nullptr : &it->value;
}

Node* Node::find(std::string_view key) {
  return const_cast<Node*>(std::as_const(*this).find(key));
}

Json Node::json() const {
  if (kind == Kind::scalar) return scalar;
  if (kind == Kind::list) {
    Json out = Json::array();
    for (const auto& item : items) out.push_back(item.json());
    return out;
  }
  Json out = Json::object();
  for (const auto& member : members) out[member.key] = member.value.json();
  return out;
}

std::string Problem::text() const {
  std::string text = where.text();
  if (!path.empty()) text += (text.empty() ? "" : " ") + path;
  return text.empty() ? message : text + ": " + message;
}

Problems::Problems(std::vector<Problem> all) : Error("", joined(in_order(all))), list(in_order(std::move(all))) {}

Node parse_node(std::string_view text, const std::string& source, std::vector<Problem>& problems) {
  return Parser(text, source, problems).document();
}

Node to_node(const Json& value, const std::string& source) {
  return build(value, std::make_shared<const Source>(Source{source, ""}));
}

std::vector<std::string> split_path(std::string_view path) {
  std::vector<std::string> steps;
  while (!path.empty()) {
    const size_t end = std::min(path.find_first_of(".[", 1), path.size());
    steps.emplace_back(path.substr(0, end));
    path.remove_prefix(end < path.size() && path[end] == '.' ? end + 1 : end);
  }
  return steps;
}

const Node* find_path(const Node& root, std::string_view path) {
  const Node* at = &root;
  for (const auto& step : split_path(path)) {
    if (at == nullptr) return nullptr;
    if (step.starts_with('[')) {
      const size_t index = std::strtoul(step.c_str() + 1, nullptr, 10);
      at = index < at->items.size() ? &at->items[index] : nullptr;
    } else {
      at = at->find(step);
    }
  }
  return at;
}

}  // namespace posttrain

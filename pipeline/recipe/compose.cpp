#include "pipeline/recipe/compose.h"

#include <algorithm>
#include <cstdlib>

#include "base/file.h"
#include "base/json_strict.h"
#include "base/nearest.h"

namespace posttrain::pipeline {
namespace {

bool is_text(const Node& node) {
  return node.kind == Node::Kind::scalar && node.scalar.is_string();
}

void erase(Node& object, std::string_view key) {
  std::erase_if(object.members, [key](const Node::Member& member) { return member.key == key; });
}

// Takes a member out of an object.
std::optional<Node::Member> take(Node& object, std::string_view key) {
  const auto it = std::ranges::find(object.members, key, &Node::Member::key);
  if (it == object.members.end()) return std::nullopt;
  Node::Member member = std::move(*it);
  object.members.erase(it);
  return member;
}

bool other_type(const Node& a, const Node& b) {
  const Node *type_a = a.find("type"), *type_b = b.find("type");
  return type_a != nullptr && type_b != nullptr && type_a->json() != type_b->json();
}

// RFC 7396, but an object of another "type" starts afresh.
void merge(Node& base, const Node& over) {
  if (over.kind != Node::Kind::object) {
    base = over;
    return;
  }
  if (base.kind != Node::Kind::object || other_type(base, over)) base.members.clear();
  base.kind = Node::Kind::object;
  base.place = over.place;
  for (const auto& member : over.members) {
    if (member.value.is_null()) {
      erase(base, member.key);
    } else if (Node* old = base.find(member.key)) {
      merge(*old, member.value);
    } else {
      base.members.push_back({member.key, member.place, {}});
      merge(base.members.back().value, member.value);
    }
  }
}

class Loader {
 public:
  explicit Loader(std::vector<Problem>& problems) : problems_(problems) {}

  Node load(const std::filesystem::path& file) {
    open_.push_back(std::filesystem::weakly_canonical(file));
    Node node = parse_node(read_file(file), file.string(), problems_);
    if (node.kind != Node::Kind::object) {
      problems_.push_back({node.place, "", "expected a recipe, an object {...}"});
      throw Problems(problems_);
    }
    erase(node, "$schema");
    if (const auto extends = take(node, "extends")) {
      Node base;
      base.kind = Node::Kind::object;
      const bool list = extends->value.kind == Node::Kind::list;
      for (const Node& name : list ? extends->value.items : std::vector{extends->value}) extend(base, name, file);
      merge(base, node);
      node = std::move(base);
    }
    open_.pop_back();
    return node;
  }

 private:
  void extend(Node& base, const Node& name, const std::filesystem::path& from) {
    if (!is_text(name)) {
      problems_.push_back({name.place, "extends", "expected the name of a recipe file, or a list of them"});
      return;
    }
    const auto text = name.scalar.get<std::string>();
    const auto file = find(text, from.parent_path());
    if (file.empty()) {
      problems_.push_back({name.place, "extends", "no such recipe: \"" + text + "\""});
    } else if (std::ranges::find(open_, std::filesystem::weakly_canonical(file)) != open_.end()) {
      problems_.push_back({name.place, "extends", "\"" + text + "\" extends itself, directly or by others"});
    } else {
      merge(base, load(file));
    }
  }

  static std::filesystem::path find(const std::string& name, const std::filesystem::path& beside) {
    for (const auto& folder : {beside, shipped_recipes()}) {
      for (const auto& file : {folder / name, folder / (name + ".json")}) {
        if (std::filesystem::is_regular_file(file)) return file;
      }
    }
    return {};
  }

  std::vector<Problem>& problems_;
  std::vector<std::filesystem::path> open_;  // the chain of files that are being read
};

class Variables {
 public:
  Variables(Node vars, std::vector<Problem>& problems) : problems_(problems) {
    if (vars.kind != Node::Kind::object) {
      problems_.push_back({vars.place, "vars", "expected an object {...} of variables"});
      return;
    }
    for (auto& member : vars.members) {  // a variable may use those above it
      replace(member.value, "vars." + member.key);
      known_.members.push_back(std::move(member));
    }
  }

  void replace(Node& node, const std::string& path) {
    for (auto& member : node.members) replace(member.value, path.empty() ? member.key : path + "." + member.key);
    for (size_t i = 0; i < node.items.size(); ++i) replace(node.items[i], path + "[" + std::to_string(i) + "]");
    if (!is_text(node)) return;
    const auto text = node.scalar.get<std::string>();
    if (text.find("${") == std::string::npos) return;
    std::string out;
    for (size_t at = 0; at < text.size();) {
      if (text.compare(at, 3, "$${") == 0) {
        out += "${";
        at += 3;
      } else if (text.compare(at, 2, "${") == 0) {
        const size_t end = text.find('}', at);
        if (end == std::string::npos)
          return complain(node, path, "\"${\" without \"}\"; write \"$${\" for the letters");
        const Node* value = look_up(node, path, text.substr(at + 2, end - at - 2));
        if (value == nullptr) return;
        if (at == 0 && end + 1 == text.size()) {
          budget_ -= nodes(*value);
          if (budget_ < 0) return complain(node, path, "the variables multiply beyond reason");
          node = Node(*value);
          return;
        }
        if (value->kind != Node::Kind::scalar)
          return complain(node, path, "a list or object can't stand within a text");
        out += is_text(*value) ? value->scalar.get<std::string>() : to_line(value->scalar);
        at = end + 1;
        if (out.size() > 1 << 20) return complain(node, path, "the text grows beyond 1 MiB");
      } else {
        out += text[at++];
      }
    }
    node.scalar = out;
  }

 private:
  void complain(const Node& node, const std::string& path, const std::string& message) {
    problems_.push_back({node.place, path, message});
  }

  const Node* look_up(const Node& node, const std::string& path, const std::string& name) {
    const Node* value = known_.find(name);
    if (value == nullptr) {
      std::vector<std::string> names;
      for (const auto& member : known_.members) names.push_back(member.key);
      complain(node, path, "unknown variable \"" + name + "\"" + suggestion(name, names));
    }
    return value;
  }

  static int64_t nodes(const Node& node) {
    int64_t count = 1;
    for (const auto& member : node.members) count += nodes(member.value);
    for (const auto& item : node.items) count += nodes(item);
    return count;
  }

  std::vector<Problem>& problems_;
  Node known_;
  int64_t budget_ = 100'000;  // nodes that variables may add
};

// One --set.
class Setter {
 public:
  Setter(const std::string& text, std::vector<Problem>& problems) : problems_(problems) {
    const size_t equals = text.find('=');
    path_ = text.substr(0, equals);
    if (equals == std::string::npos || path_.empty()) {
      place_ = to_node(Json(), "--set").place;
      path_ = text;
      complain("expected KEY=VALUE");
      path_.clear();
      return;
    }
    const std::string value = text.substr(equals + 1);
    std::optional<Json> json = try_parse_json(value);
    value_ = to_node(json ? *json : Json(value), "--set");
    place_ = value_.place;
  }

  void apply(Node& root) {
    if (path_.empty()) return;
    const auto steps = split_path(path_);
    Node* node = &root;
    for (size_t i = 0; i < steps.size() && node != nullptr; ++i) node = step(*node, steps[i], i + 1 == steps.size());
    if (node != nullptr) *node = value_;
  }

 private:
  void complain(const std::string& message) { problems_.push_back({place_, path_, message}); }

  // The child that a step names; made where an object lacks it. Null when there is nothing left to set.
  Node* step(Node& node, const std::string& name, bool last) {
    if (node.kind == Node::Kind::list) return element(node, name, last);
    if (node.kind != Node::Kind::object || name.starts_with('[')) {
      complain("\"" + name + "\" is looked for in something that isn't " +
               (name.starts_with('[') ? "a list" : "an object"));
      return nullptr;
    }
    if (last && value_.is_null()) {
      erase(node, name);
      return nullptr;
    }
    if (Node* found = node.find(name)) return found;
    Node fresh;
    fresh.kind = Node::Kind::object;
    fresh.place = place_;
    node.members.push_back({name, place_, std::move(fresh)});
    return &node.members.back().value;
  }

  Node* element(Node& list, const std::string& name, bool last) {
    std::vector<std::string> names;
    size_t found = list.items.size();
    if (name.starts_with('[')) {
      char* end = nullptr;
      const unsigned long index = std::strtoul(name.c_str() + 1, &end, 10);
      if (name.size() > 2 && std::string_view(end) == "]") found = std::min<size_t>(index, list.items.size());
    } else {
      for (const char* key : {"type", "name"}) {  // a name wins over a type
        for (size_t i = list.items.size(); i-- > 0;) {
          const Node* label = list.items[i].find(key);
          if (label == nullptr || !is_text(*label)) continue;
          names.push_back(label->scalar.get<std::string>());
          if (names.back() == name) found = i;
        }
      }
    }
    if (found == list.items.size()) {
      complain("the list of " + std::to_string(list.items.size()) + " has no element " + name +
               suggestion(name, names));
      return nullptr;
    }
    if (last && value_.is_null()) {
      list.items.erase(list.items.begin() + static_cast<std::ptrdiff_t>(found));
      return nullptr;
    }
    return &list.items[found];
  }

  std::vector<Problem>& problems_;
  std::string path_;
  Node value_;
  Place place_;
};

}  // namespace

std::filesystem::path shipped_recipes() {
  const char* folder = std::getenv("POSTTRAIN_RECIPES");
  return folder != nullptr ? folder : POSTTRAIN_RECIPES_FOLDER;
}

std::filesystem::path find_recipe(const std::filesystem::path& named) {
  if (std::filesystem::is_regular_file(named) || named.has_parent_path()) return named;
  const std::string name = named.string();
  for (const auto& file : {shipped_recipes() / name, shipped_recipes() / (name + ".json")}) {
    if (std::filesystem::is_regular_file(file)) return file;
  }
  std::vector<std::string> shipped;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(shipped_recipes(), ignored))
    shipped.push_back(entry.path().stem().string());
  throw Error(name, "", "a recipe's file, or the name of a shipped recipe", "neither" + suggestion(name, shipped));
}

Node compose_recipe(const std::filesystem::path& file, const std::vector<std::string>& sets,
                    std::vector<Problem>& problems) {
  Node root = Loader(problems).load(file);
  for (const auto& set : sets) Setter(set, problems).apply(root);
  auto vars = take(root, "vars");
  Node none;
  none.kind = Node::Kind::object;
  Variables(vars ? std::move(vars->value) : std::move(none), problems).replace(root, "");
  return root;
}

}  // namespace posttrain::pipeline

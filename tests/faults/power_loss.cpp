#include "tests/faults/power_loss.h"

#include <sstream>
#include <stdexcept>

#include "base/file.h"

namespace posttrain::faults {

namespace fs = std::filesystem;

std::vector<Operation> read_log(const fs::path& log, const fs::path& root) {
  const std::string text = read_file(log);
  const auto relative = [&](const std::string& path) {
    return path.size() > root.string().size() ? path.substr(root.string().size() + 1) : std::string();
  };
  std::vector<Operation> out;
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find('\n', at);
    std::istringstream line(text.substr(at, end - at));
    Operation operation;
    size_t bytes = 0;
    std::string path, other;
    line >> operation.number >> operation.name >> operation.offset >> bytes;
    line.get();
    std::getline(line, path, '\t');
    std::getline(line, other);
    operation.path = relative(path);
    operation.other = relative(other);
    operation.bytes = text.substr(end + 1, bytes);
    at = end + 1 + bytes + 1;
    out.push_back(std::move(operation));
  }
  return out;
}

std::shared_ptr<Disk::Node> Disk::find(const std::string& path) const {
  auto node = root_;
  for (const auto& part : fs::path(path)) {
    const auto found = node->names.find(part.string());
    if (found == node->names.end()) return nullptr;
    node = found->second;
  }
  return node;
}

std::shared_ptr<Disk::Node> Disk::folder_of(const std::string& path) const {
  auto folder = find(fs::path(path).parent_path().string());
  if (!folder) throw std::runtime_error("no folder for " + path);
  return folder;
}

void Disk::apply(const Operation& operation) {
  const auto& [number, name, path, other, offset, bytes] = operation;
  const std::string last = fs::path(path).filename().string(), other_last = fs::path(other).filename().string();
  if (name == "mkdir") {
    folder_of(path)->names[last] = std::make_shared<Node>(Node{.folder = true});
  } else if (name == "unlink") {
    folder_of(path)->names.erase(last);
  } else if (name == "rename") {
    const auto node = find(path);
    folder_of(path)->names.erase(last);
    folder_of(other)->names[other_last] = node;
  } else if (name == "link") {
    folder_of(other)->names[other_last] = find(path);
  } else if (name == "exchange") {
    std::swap(folder_of(path)->names.at(last), folder_of(other)->names.at(other_last));
  } else if (name == "sync") {
    const auto node = find(path);
    if (!node) return;  // a file without a name
    if (node->folder) {
      node->synced_names = node->names;
    } else {
      node->synced = node->bytes;
    }
  } else {
    auto node = find(path);
    if (!node) node = folder_of(path)->names[last] = std::make_shared<Node>();
    if (name == "empty") node->bytes.clear();
    if (name == "truncate") node->bytes.resize(static_cast<size_t>(offset));
    if (name != "write") return;
    const auto from = static_cast<size_t>(offset);
    if (node->bytes.size() < from + bytes.size()) node->bytes.resize(from + bytes.size());
    node->bytes.replace(from, bytes.size(), bytes);
  }
}

void Disk::collect(const Node& node, const std::string& path, Lost lost, std::map<std::string, std::string>& out) {
  for (const auto& [name, child] : lost == Lost::all_unsynced ? node.synced_names : node.names) {
    const std::string below = path.empty() ? name : path + "/" + name;
    out[below] = child->folder ? "/" : child->synced;
    if (child->folder) collect(*child, below, lost, out);
  }
}

std::map<std::string, std::string> Disk::after_power_loss(Lost lost) const {
  std::map<std::string, std::string> out;
  collect(*root_, "", lost, out);
  return out;
}

}  // namespace posttrain::faults

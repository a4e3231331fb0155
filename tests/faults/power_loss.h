// What is on the disk after the power went, by the log of operations that seam.cpp wrote. The rules are POSIX's,
// without what some file systems add: bytes last once their file was synced, names once their folder was.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace posttrain::faults {

struct Operation {
  int64_t number = 0;       // what FAULT_AT counts; 0 = meets no faults
  std::string name;         // write, truncate, sync, rename, exchange, create, empty, link, unlink, mkdir
  std::string path, other;  // relative to the root; "" = the root itself
  int64_t offset = 0;
  std::string bytes;
};

std::vector<Operation> read_log(const std::filesystem::path& log, const std::filesystem::path& root);

// A folder and all below it, as programs see it and as it would be found again.
class Disk {
 public:
  void apply(const Operation& operation);
  enum class Lost { all_unsynced, bytes_only };  // bytes_only: the file system kept every name, of new files no bytes
  // Path -> bytes of files, "/" -> of folders.
  std::map<std::string, std::string> after_power_loss(Lost lost) const;

 private:
  struct Node {
    bool folder = false;
    std::string bytes, synced;
    std::map<std::string, std::shared_ptr<Node>> names, synced_names;
  };
  std::shared_ptr<Node> find(const std::string& path) const;
  std::shared_ptr<Node> folder_of(const std::string& path) const;
  static void collect(const Node& node, const std::string& path, Lost lost, std::map<std::string, std::string>& out);

  std::shared_ptr<Node> root_ = std::make_shared<Node>(Node{.folder = true});
};

}  // namespace posttrain::faults

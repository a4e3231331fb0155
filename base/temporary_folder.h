// A folder of one's own that goes away with its owner.
#pragma once

#include <filesystem>
#include <string>

namespace posttrain {

class TemporaryFolder {
 public:
  // "<prefix>-XXXXXX". Throws Failure when it can't be made.
  explicit TemporaryFolder(const std::string& prefix = "/tmp/posttrain");
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace posttrain

// A temporary folder of small text files.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "base/file.h"
#include "base/temporary_folder.h"

namespace posttrain {

class FolderTest : public testing::Test {
 protected:
  std::filesystem::path write(const std::string& name, const std::string& text) {
    auto file = folder_ / name;
    std::filesystem::create_directories(file.parent_path());
    write_file_atomically(file, text);
    return file;
  }
  // `text` with the folder's name left out of it.
  std::string local(std::string text) const {
    const std::string prefix = folder_.string() + "/";
    for (size_t at = 0; (at = text.find(prefix, at)) != std::string::npos;) text.erase(at, prefix.size());
    return text;
  }
  const TemporaryFolder temporary_;
  const std::filesystem::path folder_ = temporary_.path();
};

}  // namespace posttrain

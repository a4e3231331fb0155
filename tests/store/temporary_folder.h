// A folder that lives as long as the test.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <string>

namespace posttrain {

// In memory where there is such a file system: stores wait for the disk at birth and at the end.
inline std::filesystem::path make_temporary_folder() {
  std::string name = std::string(access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp") + "/posttrain-test-XXXXXX";
  if (mkdtemp(name.data()) == nullptr) ADD_FAILURE() << "can't make " << name;
  return name;
}

class FolderTest : public testing::Test {
 protected:
  void SetUp() override { folder_ = make_temporary_folder(); }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::filesystem::path folder_;
};

// What the call throws, as text; "" when it doesn't.
template <class Exception, class Call>
std::string message_of(Call call) {
  try {
    call();
  } catch (const Exception& e) {
    return e.what();
  }
  return {};
}

}  // namespace posttrain

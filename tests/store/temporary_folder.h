// A folder that lives as long as the test.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "base/temporary_folder.h"

namespace posttrain {

// In memory where there is such a file system: stores wait for the disk at birth and at the end.
inline std::string temporary_prefix() {
  return std::string(access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp") + "/posttrain-test";
}

class FolderTest : public testing::Test {
 protected:
  const TemporaryFolder temporary_{temporary_prefix()};
  const std::filesystem::path folder_ = temporary_.path();
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

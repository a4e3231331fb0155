#include "base/temporary_folder.h"

#include <stdlib.h>

#include <system_error>

#include "base/error.h"

namespace posttrain {

TemporaryFolder::TemporaryFolder(const std::string& prefix) {
  std::string path = prefix + "-XXXXXX";
  if (mkdtemp(path.data()) == nullptr) throw Failure(path, "no temporary folder can be made");
  path_ = path;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace posttrain

// Little address space: whatever comes of a command, it ends by itself and soon.
#include <sys/resource.h>

#include "base/child_process.h"
#include "tests/e2e/program.h"

namespace posttrain::e2e {
namespace {

class LittleMemory : public ProgramTest {
 protected:
  // The exit status of a command with `kib` KiB of address space.
  std::optional<int> status_with(rlim_t kib, std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), POSTTRAIN_PROGRAM);
    ChildCommand command{.argv = arguments, .folder = folder_};
    command.errors = ChildStream::null;
    command.output = ChildStream::null;
    command.before_exec = [kib] {
      const rlimit limit{kib << 10, kib << 10};
      return setrlimit(RLIMIT_AS, &limit) == 0;
    };
    ChildProcess child(command);
    return child.wait(deadline_in(120));
  }
};

// What starts a thread per core before main, as OpenBLAS did, never ended with 90,000 to 200,000 KiB.
TEST_F(LittleMemory, EveryCommandEnds) {
  write("recipe.json", tiny_recipe());
  for (const rlim_t kib : {60'000, 90'000, 120'000, 160'000, 200'000, 260'000}) {
    EXPECT_TRUE(status_with(kib, {"--version"}).has_value()) << kib;
    EXPECT_TRUE(status_with(kib, {"run", "recipe.json", "--out", "out", "--progress", "none"}).has_value()) << kib;
    std::filesystem::remove_all(folder_ / "out");
  }
  EXPECT_EQ(status_with(400'000, {"--version"}), 0);
}

}  // namespace
}  // namespace posttrain::e2e

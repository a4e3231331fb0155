#include "tests/recipes/base_model.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <stdexcept>

#include "base/file.h"

namespace posttrain::recipes {
namespace {

namespace fs = std::filesystem;

constexpr const char* recipe = R"({
  "model": {"arch": {"hidden": 16, "layers": 2, "heads": 2, "mlp": 32, "max_positions": 96, "rope_theta": 1000}},
  "task": {"type": "chain", "min_steps": 2, "max_steps": 3,
           "mix": {"facts": 0, "guess": 0.7, "broken": 0.3, "sloppy": 0, "steps": 0, "repaired": 0, "broken_steps": 0}},
  "rewards": [{"type": "exact"}],
  "stages": [{"name": "base", "type": "sft", "data": [{"documents": 1500}], "steps": 200, "rows_per_step": 8,
              "row_tokens": 96, "training": {"lr": 0.01, "warmup_steps": 5, "schedule": "cosine"}}]
})";

}  // namespace

fs::path base_model() {
  const fs::path program = POSTTRAIN_PROGRAM, folder = program.parent_path() / "recipes-base";
  const std::string key = std::to_string(fs::file_size(program)) + " " +
                          std::to_string(fs::last_write_time(program).time_since_epoch().count());
  fs::create_directories(folder);
  const int lock = open((folder / "lock").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0644);
  if (lock < 0 || flock(lock, LOCK_EX) != 0) throw std::runtime_error("can't lock " + folder.string());
  if (!fs::exists(folder / "key") || read_file(folder / "key") != key) {
    fs::remove_all(folder / "run");
    std::ofstream(folder / "base.json") << recipe;
    const std::string command = "'" + program.string() + "' run '" + (folder / "base.json").string() + "' --out '" +
                                (folder / "run").string() + "' --progress none > '" + (folder / "log").string() +
                                "' 2>&1";
    if (std::system(command.c_str()) != 0) throw std::runtime_error(command + ": " + read_file(folder / "log"));
    write_file_atomically(folder / "key", key);
  }
  close(lock);
  return folder / "run" / "final";
}

}  // namespace posttrain::recipes

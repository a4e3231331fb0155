#include "pipeline/checkpoints.h"

#include "base/error.h"
#include "base/folders.h"
#include "base/json.h"
#include "model/checkpoint.h"

namespace posttrain::pipeline {

// A commit is on the disk once the log beside the database is.
void sync_store(const RunFolder& folder) {
  auto log = folder.database();
  sync_file(log += "-wal");
}

void save_checkpoint(const RunFolder& folder, const std::string& stage, const model::Learner& learner,
                     const std::string& cursor) {
  const auto newest = folder.state_of(stage), before = folder.state_before(stage);
  make_folders(newest.parent_path());
  std::error_code error;
  if (std::filesystem::exists(newest)) {
    // A second name, so that the newest keeps its own until the next is whole.
    std::filesystem::remove(before, error);
    std::filesystem::create_hard_link(newest, before, error);
    if (error) std::filesystem::rename(newest, before, error);  // a file system without links
  }
  model::Checkpoint::save(newest, learner, cursor);
}

int64_t settle_checkpoint(const RunFolder& folder, const std::string& stage,
                          const std::function<void(const std::string&)>& say) {
  const auto newest = folder.state_of(stage), before = folder.state_before(stage);
  std::string damage;
  for (const auto& file : {newest, before}) {
    if (!std::filesystem::exists(file)) continue;
    try {
      const int64_t step = parse_json(model::Checkpoint::read_cursor(file), file.string()).at("step").get<int64_t>();
      if (file == newest) return step;
      std::filesystem::rename(before, newest);
      say((damage.empty() ? "the newest checkpoint is missing" : damage) + "; " + stage +
          " goes on from the one before, after step " + std::to_string(step));
      return step;
    } catch (const Failure&) {
      throw;
    } catch (const Error& error) {
      if (damage.empty()) damage = error.what();
    }
  }
  if (damage.empty()) return 0;
  throw Error("", damage + "; no whole checkpoint of stage " + stage + " is left: posttrain run --from " + stage +
                      " --out " + folder.root.string() + " runs it again");
}

}  // namespace posttrain::pipeline

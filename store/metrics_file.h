// metrics.jsonl: the numbers of a run while it goes, one object a line (export.h gives the form).
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <tuple>

#include "store/store.h"

namespace posttrain::store {

// Not thread-safe. Each line is one write, so whoever follows the file never sees half a line from a living run.
class MetricsFile {
 public:
  // Writes the file anew from what the store holds: empty for a new run; after Store::rewind the lines up to the
  // checkpoint, whatever was torn or too much before. Throws Failure naming the file.
  MetricsFile(const std::filesystem::path& file, const Store& store);
  ~MetricsFile();
  MetricsFile(const MetricsFile&) = delete;
  MetricsFile& operator=(const MetricsFile&) = delete;

  // A full disk throws Failure and leaves the file as it was.
  void step(const std::string& stage_name, const StepRecord& record);
  // After its step's line. An evaluation that is there already (repeated by a resumed run) is not written twice.
  void eval(const std::string& stage_name, const EvalRecord& record);

 private:
  void append(const std::string& line);

  std::filesystem::path file_;
  std::set<std::tuple<int, int64_t, std::string>> evals_;
  int fd_ = -1;
};

}  // namespace posttrain::store

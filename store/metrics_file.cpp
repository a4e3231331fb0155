#include "store/metrics_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "base/file.h"
#include "store/export.h"

namespace posttrain::store {

MetricsFile::MetricsFile(const std::filesystem::path& file, const Store& store) : file_(file) {
  write_file_atomically(file, export_jsonl(store));
  for (const EvalRecord& eval : store.evals()) evals_.emplace(eval.stage, eval.step, eval.task);
  fd_ = ::open(file.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  if (fd_ < 0) throw Failure(file.string(), std::string("can't open: ") + std::strerror(errno));
}

MetricsFile::~MetricsFile() {
  ::close(fd_);
}

void MetricsFile::step(const std::string& stage_name, const StepRecord& record) {
  append(step_line(stage_name, record.step, record.metrics));
}

void MetricsFile::eval(const std::string& stage_name, const EvalRecord& record) {
  if (evals_.emplace(record.stage, record.step, record.task).second) append(eval_line(stage_name, record));
}

void MetricsFile::append(const std::string& line) {
  const off_t before = ::lseek(fd_, 0, SEEK_END);
  const ssize_t written = ::write(fd_, line.data(), line.size());
  if (written == static_cast<ssize_t>(line.size())) return;
  const int cause = written < 0 ? errno : ENOSPC;
  if (::ftruncate(fd_, before) != 0) errno = cause;
  throw Failure(file_.string(), std::string("can't write: ") + std::strerror(cause));
}

}  // namespace posttrain::store

#include <cstdio>
#include <memory>

#include "base/error.h"
#include "base/file.h"
#include "cli/arguments.h"
#include "store/export.h"

namespace posttrain::cli {
namespace {

struct ExportGiven {
  std::string run, out;
  bool jsonl = false, csv = false;
};

int export_run(const ExportGiven& given) {
  if (given.jsonl && given.csv) throw Error("export", "format", "--jsonl or --csv", "both");
  const store::Store run(store::run_file(given.run), store::Mode::read_only);
  const std::string text = given.csv ? store::export_csv(run) : store::export_jsonl(run);
  if (!given.out.empty()) {
    write_file_atomically(given.out, text);
  } else if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
    throw Failure("standard output", "can't write");
  }
  return 0;
}

}  // namespace

Action export_command(Arguments& args) {
  auto given = std::make_shared<ExportGiven>();
  args.positional("run", given->run, "A run's folder, finished, broken off or still going");
  args.flag("--jsonl", given->jsonl, "One JSON object a step and evaluation, as in metrics.jsonl (the default)");
  args.flag("--csv", given->csv, "One row a step, one column a metric");
  args.option("--out", given->out, "Write to this file instead of standard output");
  args.example("posttrain export runs/r1-zero --csv --out r1-zero.csv");
  return [given] { return export_run(*given); };
}

}  // namespace posttrain::cli

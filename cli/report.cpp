#include <cstdio>
#include <memory>

#include "base/json.h"
#include "cli/arguments.h"
#include "cli/result_table.h"
#include "report/report.h"
#include "report/summary.h"

namespace posttrain::cli {
namespace {

struct ReportGiven {
  std::string run, curves;
  bool json = false;
};

int report(const ReportGiven& given) {
  const auto file = store::run_file(given.run);
  const store::Store run(file, store::Mode::read_only);
  const auto page = file.parent_path() / "report.html";
  report::write_report(page, run);
  if (!given.curves.empty()) report::write_curves_svg(given.curves, run);
  if (given.json) {
    Json line = parse_json(report::summary_json(report::summarize(run)), file.string());
    line["report"] = page.string();
    std::printf("%s\n", to_line(line).c_str());
    return 0;
  }
  std::printf("%s%s\n", result_table(run).c_str(), page.c_str());
  return 0;
}

}  // namespace

Action report_command(Arguments& args) {
  auto given = std::make_shared<ReportGiven>();
  args.positional("run", given->run, "A run's folder, finished, broken off or still going");
  args.option("--curves", given->curves, "Also write the main curves as an SVG picture to this file");
  args.flag("--json", given->json, "Print the summary as one JSON object");
  args.example("posttrain report runs/r1-zero --curves curves.svg");
  return [given] { return report(*given); };
}

}  // namespace posttrain::cli

#include <cstdio>
#include <memory>

#include "base/format.h"
#include "base/json.h"
#include "cli/arguments.h"
#include "report/report.h"
#include "report/summary.h"

namespace posttrain::cli {
namespace {

struct ReportGiven {
  std::string run, curves;
  bool json = false;
};

std::string percent(const store::Metrics& metrics, const char* name) {
  return formatted("%.1f%%", 100 * report::metric(metrics, name));
}

int report(const ReportGiven& given) {
  const auto file = store::run_file(given.run);
  const store::Store run(file, store::Mode::read_only);
  const auto page = file.parent_path() / "report.html";
  report::write_report(page, run);
  if (!given.curves.empty()) report::write_curves_svg(given.curves, run);
  const report::Summary summary = report::summarize(run);
  if (given.json) {
    Json line = parse_json(report::summary_json(summary), file.string());
    line["report"] = page.string();
    std::printf("%s\n", to_line(line).c_str());
    return 0;
  }
  std::printf("%s\n", report::verdict_sentence(run).c_str());
  for (const report::TaskChange& task : summary.tasks) {
    for (const auto& [role, eval] : {std::pair("base", &task.base), std::pair("final", &task.final)}) {
      if (!*eval) continue;
      std::printf("%-8s %-6s", task.task.c_str(), role);
      for (const auto& [name, value] : (*eval)->metrics) {
        if (report::is_bound(name)) continue;
        const bool fraction = name.find('@') != std::string::npos || name == "format";
        if (fraction) {
          std::printf("  %s %s", name.c_str(), percent((*eval)->metrics, name.c_str()).c_str());
        } else {
          std::printf("  %s %.4g", name.c_str(), value);
        }
      }
      std::printf("\n");
    }
  }
  std::printf("%s\n", page.c_str());
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

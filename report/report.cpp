#include "report/report.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/file.h"
#include "base/format.h"
#include "base/json.h"
#include "report/embedded/picture_css.h"
#include "report/embedded/report_css.h"
#include "report/embedded/report_js.h"
#include "report/figures.h"
#include "report/html.h"
#include "report/report_parts.h"
#include "report/summary.h"

namespace posttrain::report {
namespace {

// A page may run and style only what this program put into it, and load nothing.
std::string head(const std::string& title) {
  return "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
         "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src " +
         csp_hash(embedded::report_js_sha256) + "; style-src " + csp_hash(embedded::report_css_sha256) +
         "; base-uri 'none'; form-action 'none'\">"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><meta name=\"referrer\" "
         "content=\"no-referrer\"><title>" +
         escape_plain(title) + "</title><style>" + embedded::report_css + "</style></head><body><main>";
}

std::string header(const store::Store& store, const store::RunRow& run) {
  std::string out = "<header><h1>" + escape_html(run.name) + "</h1><p class=\"fine\"><span>" + escape_html(run.status) +
                    "</span><span>started " + escape_html(run.created) + "</span><span>seed " +
                    std::to_string(run.seed) + "</span><span>posttrain " + escape_html(run.version) + "</span></p>";
  std::string status = "failed";
  for (const char* known : {"done", "running", "stopped"}) {
    if (run.status == known) status = known;
  }
  if (run.status == "interrupted") status = "stopped";
  return out + "<p class=\"verdict " + status + "\">" + escape_html(verdict_sentence(store)) + "</p></header>";
}

std::string stage_strip(const store::Store& store) {
  std::string out;
  for (const store::StageRow& stage : store.stages()) {
    const int64_t last = store.last_step(stage.index).value_or(0);
    std::string work =
        last > 0 || stage.steps > 0
            ? std::to_string(last) +
                  (stage.status != "done" && stage.steps > 0 ? " of " + std::to_string(stage.steps) : "") + " steps"
            : "";
    if (stage.seconds > 0) work += (work.empty() ? "" : ", ") + duration_text(stage.seconds);
    out += "<li><b>" + escape_html(stage.name) + "</b><span>" + escape_html(stage.type) +
           (stage.from.empty() ? "" : " from " + escape_html(stage.from)) + "</span><span>" + work + "</span><span>" +
           escape_html(stage.status) + "</span></li>";
  }
  return out.empty() ? out : "<ol class=\"strip\">" + out + "</ol>";
}

std::string cell(const std::string& name, const store::EvalRecord& eval) {
  const double value = metric(eval.metrics, name);
  std::string out = "<td>" + value_text(name, value);
  if (std::isnan(value)) return out + "</td>";
  for (const std::string& beside : {interval_text(eval.metrics, name), left_out(eval.metrics, name)}) {
    if (!beside.empty()) out += " <small>" + beside + "</small>";
  }
  return out + "</td>";
}

// Whether more of it is better, worse (-1) or neither.
int better(const std::string& name) {
  if (!is_fraction(name)) return 0;
  return name == "unparsed" || name == "failed" ? -1 : name == "truncated" ? 0 : 1;
}

std::string task_table(const TaskChange& change, const std::vector<store::StageRow>& stages) {
  if (!change.base && !change.final) return {};
  std::string out = "<h2>Before and after <small>" + escape_html(change.task) +
                    "</small></h2><div class=\"scroll\"><table><tr><th></th>";
  if (change.base) out += "<th>base</th>";
  if (change.final) out += "<th>final</th>";
  if (change.base && change.final) out += "<th>change</th>";
  out += "</tr>";
  for (const std::string& name : figure_names(change)) {
    out += "<tr><th>" + escape_html(readable(name)) + "</th>";
    const double from = change.base ? metric(change.base->metrics, name) : NAN;
    const double to = change.final ? metric(change.final->metrics, name) : NAN;
    if (change.base) out += cell(name, *change.base);
    if (change.final) out += cell(name, *change.final);
    if (change.base && change.final) {
      const double by = to - from;
      const double gain = by * better(name);
      out += std::string("<td") +
             (gain > 0   ? " class=\"up\""
              : gain < 0 ? " class=\"down\""
                         : "") +
             ">" + change_text(name, by) + "</td>";
    }
    out += "</tr>";
  }
  out += "</table></div><p class=\"fine\">";
  const auto sizes = [&](const char* name, const store::EvalRecord& e) {
    return std::string(name) + ": " + std::to_string(e.n) + " problems × " + std::to_string(e.k) +
           " samples, weights of " + escape_html(weights_name(stages, e.stage, e.step)) + ". ";
  };
  if (change.base) out += sizes("base", *change.base);
  if (change.final) out += sizes("final", *change.final);
  return out + "Small: the 95% interval by bootstrap over problems.</p>";
}

std::string alert_section(const store::Store& store) {
  const auto alerts = store.alerts();
  if (alerts.empty()) return {};
  constexpr size_t shown = 40;
  std::string out;
  for (size_t i = 0; i < alerts.size() && i < shown; ++i) {
    out += "<li><b>stage " + std::to_string(alerts[i].stage + 1) + ", step " + std::to_string(alerts[i].step) + "</b>" +
           escape_html(alerts[i].text) + "</li>";
  }
  if (alerts.size() > shown) out += "<li>and " + std::to_string(alerts.size() - shown) + " more</li>";
  return "<section><h2>Alerts</h2><ul class=\"alerts\">" + out + "</ul></section>";
}

// Stored JSON for people; what isn't JSON is shown as it is.
std::string json_details(const char* title, const std::string& text) {
  std::string shown = text;
  try {
    shown = to_pretty(parse_json(text, title));
  } catch (const Error&) {
    shown = text;
  }
  return std::string("<details><summary>") + title + "</summary><pre>" + escape_html(shown) + "</pre></details>";
}

}  // namespace

std::string report_html(const store::Store& store, const ReportLimits& limits) {
  const auto run = store.run();
  if (!run) throw Error(store.file().string(), "", "a run", "a store in which no run has begun");
  std::string out = head(run->name) + header(store, *run) + stage_strip(store) + alert_section(store);
  out += story_section(store);
  for (const TaskChange& change : summarize(store).tasks) {
    out += "<section>" + task_table(change, store.stages()) + "</section>";
  }
  out += transcript_section(store, limits) + stage_section(store) + sample_section(store, limits);
  out += "<section><h2>Settings</h2>" + json_details("Recipe, resolved", run->recipe) +
         json_details("Machine", run->machine) + "</section>";
  return out + "<footer>Written by posttrain " + escape_html(run->version) +
         " from run.db; everything is in this file.</footer></main><script>" + embedded::report_js +
         "</script></body></html>\n";
}

void write_report(const std::filesystem::path& file, const store::Store& store) {
  write_file_atomically(file, report_html(store));
}

std::string picture_svg(const std::vector<Chart>& charts) {
  constexpr int width = 460, height = 220, title_room = 26, gap = 16;
  const int columns = charts.size() > 1 ? 2 : 1;
  const int rows = (static_cast<int>(charts.size()) + columns - 1) / columns;
  const int total_width = columns * (width + gap) + gap;
  const int total_height = std::max(1, rows) * (height + title_room + gap) + gap;
  // Colours of the page for light and dark, since a picture in a README has no page around it.
  std::string out = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + std::to_string(total_width) + " " +
                    std::to_string(total_height) + "\" width=\"" + std::to_string(total_width) + "\" height=\"" +
                    std::to_string(total_height) + "\"><style>" + embedded::picture_css +
                    "</style><rect class=\"paper\" width=\"" + std::to_string(total_width) + "\" height=\"" +
                    std::to_string(total_height) + "\" rx=\"12\"/>";
  for (size_t i = 0; i < charts.size(); ++i) {
    const int x = gap + static_cast<int>(i) % columns * (width + gap);
    const int y = gap + static_cast<int>(i) / columns * (height + title_room + gap);
    std::string svg = chart_svg(charts[i], width, height);
    svg.insert(4, " x=\"0\" y=\"" + std::to_string(title_room) + "\" width=\"" + std::to_string(width) +
                      "\" height=\"" + std::to_string(height) + "\" overflow=\"visible\"");
    out += "<g transform=\"translate(" + std::to_string(x) + " " + std::to_string(y) +
           ")\"><text class=\"title\" x=\"4\" y=\"15\">" + escape_plain(charts[i].title) + "</text>" + svg + "</g>";
  }
  return out + "</svg>\n";
}

std::string curves_svg(const store::Store& store) {
  std::vector<Chart> charts = story_charts(store);
  const auto reward = store.curve("reward");
  const auto entropy = store.curve("entropy");
  for (const auto& [title, points] : {std::pair("Training reward", &reward), std::pair("Entropy", &entropy)}) {
    if (points->empty()) continue;
    Chart chart{title, "", true, true, {{"", {}, false}}, {}, true};
    for (const store::Point& p : *points) {
      if (p.stage == points->back().stage) chart.series[0].points.emplace_back(static_cast<double>(p.step), p.value);
    }
    charts.push_back(std::move(chart));
  }
  if (charts.size() > 4) charts.resize(4);
  return picture_svg(charts);
}

void write_curves_svg(const std::filesystem::path& file, const store::Store& store) {
  write_file_atomically(file, curves_svg(store));
}

}  // namespace posttrain::report

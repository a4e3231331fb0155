// What the model said: the same problems through the run, and the stored rollouts step by step.
#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "base/format.h"
#include "report/html.h"
#include "report/report_parts.h"

namespace posttrain::report {
namespace {

std::string reward_text(double value) {
  return std::isfinite(value) ? formatted("%.3g", value) : "-";
}

// A class for the four verdicts; anything else looks like "failed".
std::string verdict_class(const std::string& verdict) {
  for (const char* known : {"right", "wrong", "undecided"}) {
    if (verdict == known) return verdict;
  }
  return "failed";
}

std::string chip(const std::string& verdict) {
  return "<span class=\"chip " + verdict_class(verdict) + "\">" +
         escape_html(verdict.empty() ? "no verdict" : verdict) + "</span>";
}

std::string reward_parts(const store::SampleRow& sample) {
  std::string out;
  for (const store::RewardPart& part : sample.parts) {
    out += "<span class=\"part " + verdict_class(part.verdict) + "\">" + escape_html(part.name) + " " +
           reward_text(part.value) + (part.weight == 1 ? "" : " × " + reward_text(part.weight));
    if (!part.detail.empty()) out += " <em>" + escape_html(part.detail.substr(0, 200)) + "</em>";
    out += "</span>";
  }
  return out;
}

std::string sample_card(const store::SampleRow& sample, size_t text_bytes, bool training) {
  std::string out = "<div class=\"sample " + verdict_class(sample.verdict) + "\"><p class=\"meta\">" +
                    chip(sample.verdict) + "<b>" + reward_text(sample.reward) + "</b>";
  if (training) out += "<span>advantage " + reward_text(sample.advantage) + "</span>";
  out += "<span>" + std::to_string(sample.completion_tokens) + " tokens</span>";
  if (sample.finish == "length") out += "<span class=\"chip undecided\">cut off</span>";
  return out + "</p><pre>" + completion_html(sample.completion, text_bytes) + "</pre><p class=\"parts\">" +
         reward_parts(sample) + "</p></div>";
}

std::string problem_head(const store::Group& group) {
  return "<p class=\"problem\"><code>" + completion_html(group.prompt, 4000) + "</code>" +
         (group.answer.empty() ? ""
                               : "<span>answer <code>" + escape_html(group.answer.substr(0, 400)) + "</code></span>") +
         "</p>";
}

int64_t count_right(const store::Group& group) {
  return std::count_if(group.samples.begin(), group.samples.end(),
                       [](const store::SampleRow& s) { return s.verdict == "right"; });
}

// Up to `limit` of n indices, evenly spread, both ends among them.
std::vector<size_t> spread(size_t n, size_t limit) {
  std::vector<size_t> chosen;
  const size_t count = std::min(n, std::max<size_t>(1, limit));
  for (size_t i = 0; i < count; ++i) chosen.push_back(count == 1 ? n - 1 : i * (n - 1) / (count - 1));
  return chosen;
}

struct Column {
  const store::EvalRecord* eval;
  std::string title;
  std::vector<store::Group> groups;
};

const store::Group* find_problem(const Column& column, const store::Group& problem) {
  for (const store::Group& g : column.groups) {
    if (g.prompt == problem.prompt && g.answer == problem.answer && !g.samples.empty()) return &g;
  }
  return nullptr;
}

// The larger, the more the problem tells: wrong at first and right at last.
double learned(const std::vector<const store::Group*>& row) {
  const auto share = [](const store::Group& g) {
    return static_cast<double>(count_right(g)) / static_cast<double>(g.samples.size());
  };
  return share(*row.back()) - share(*row.front()) + (row.back()->samples[0].verdict == "right" ? 0.5 : 0) -
         (row.front()->samples[0].verdict == "right" ? 0.5 : 0);
}

std::string transcripts_of(const std::vector<Column>& columns, const ReportLimits& limits) {
  std::vector<std::vector<const store::Group*>> rows;
  for (const store::Group& problem : columns.front().groups) {
    std::vector<const store::Group*> row;
    for (const Column& column : columns) row.push_back(find_problem(column, problem));
    if (std::find(row.begin(), row.end(), nullptr) == row.end()) rows.push_back(std::move(row));
  }
  std::stable_sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return learned(a) > learned(b); });
  if (rows.size() > limits.problems) rows.resize(limits.problems);
  std::string out;
  for (const auto& row : rows) {
    out += "<article>" + problem_head(*row.front()) + "<div class=\"columns\">";
    for (size_t c = 0; c < row.size(); ++c) {
      out += "<div><h4>" + escape_html(columns[c].title);
      if (row[c]->samples.size() > 1) {
        out += " <small>" + std::to_string(count_right(*row[c])) + " of " + std::to_string(row[c]->samples.size()) +
               " right</small>";
      }
      out += "</h4>" + sample_card(row[c]->samples[0], limits.text_bytes, false) + "</div>";
    }
    out += "</div></article>";
  }
  return out;
}

// Groups with the most spread first: they are the ones the step learned from.
std::vector<const store::Group*> interesting(const std::vector<store::Group>& groups, size_t limit) {
  std::vector<std::pair<double, const store::Group*>> order;
  for (const store::Group& g : groups) {
    double low = INFINITY, high = -INFINITY;
    for (const store::SampleRow& s : g.samples) low = std::min(low, s.reward), high = std::max(high, s.reward);
    order.emplace_back(high > low ? high - low : 0.0, &g);
  }
  std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<const store::Group*> chosen;
  for (size_t i = 0; i < order.size() && i < limit; ++i) chosen.push_back(order[i].second);
  return chosen;
}

std::string group_card(const store::Group& group, const ReportLimits& limits, size_t text_bytes, size_t& bytes) {
  std::string out = "<article>" + problem_head(group) + "<p class=\"fine\">" + std::to_string(count_right(group)) +
                    " of " + std::to_string(group.samples.size()) + " right</p><div class=\"columns\">";
  std::vector<const store::SampleRow*> order;
  for (const store::SampleRow& s : group.samples) order.push_back(&s);
  std::stable_sort(order.begin(), order.end(), [](const auto* a, const auto* b) { return a->reward > b->reward; });
  for (const size_t i : spread(order.size(), limits.samples)) {
    bytes += std::min(text_bytes, order[i]->completion.size()) + 400;
    out += sample_card(*order[i], text_bytes, true);
  }
  return out + "</div></article>";
}

}  // namespace

std::string transcript_section(const store::Store& store, const ReportLimits& limits) {
  const auto evals = store.evals();
  const auto stages = store.stages();
  std::map<std::string, std::vector<const store::EvalRecord*>> by_task;
  for (const store::EvalRecord& e : evals) by_task[e.task].push_back(&e);
  std::string out;
  for (const auto& [task, records] : by_task) {
    std::set<std::pair<int, int64_t>> kept;
    for (const auto& [stage, step] : store.sampled_steps(task)) kept.emplace(stage, step);
    std::vector<const store::EvalRecord*> with_text;
    for (const store::EvalRecord* e : records) {
      if (kept.contains({e->stage, e->step})) with_text.push_back(e);
    }
    std::vector<Column> columns;
    for (const size_t i : spread(with_text.size(), 3)) {
      const store::EvalRecord& e = *with_text[i];
      const std::string step = ": " + weights_name(stages, e.stage, e.step);
      columns.push_back({&e,
                         (i == 0                      ? "Before"
                          : i + 1 == with_text.size() ? "At the end"
                                                      : "In the middle") +
                             step,
                         store.groups(e.stage, e.step, task)});
    }
    if (columns.empty()) continue;
    const std::string articles = transcripts_of(columns, limits);
    if (!articles.empty()) {
      out +=
          "<section><h2>The same problems through the run <small>" + escape_html(task) +
          "</small></h2><p class=\"fine\">First sample of each problem, not the best one; problems that were learned "
          "come first.</p>" +
          articles + "</section>";
    }
  }
  return out;
}

std::string sample_section(const store::Store& store, const ReportLimits& limits) {
  const auto all = store.sampled_steps();
  if (all.empty()) return {};
  const auto stages = store.stages();
  const auto chosen = spread(all.size(), limits.steps);
  const size_t fair_share = limits.sample_bytes / chosen.size();
  std::string out;
  for (size_t c = 0; c < chosen.size(); ++c) {
    const auto [stage, step] = all[chosen[c]];
    const auto groups = store.groups(stage, step);
    const std::string title = weights_name(stages, stage, step);
    size_t bytes = 0;
    std::string cards;
    for (const store::Group* group : interesting(groups, limits.groups)) {
      const size_t per_text = std::min(limits.text_bytes, fair_share / std::max<size_t>(1, limits.samples));
      if (bytes < fair_share) cards += group_card(*group, limits, per_text, bytes);
    }
    const bool open = c + 1 == chosen.size();
    out += "<details class=\"step\"" + std::string(open ? " open" : "") + "><summary>" + escape_html(title) +
           " <small>" + std::to_string(groups.size()) + " groups stored</small></summary>" + cards + "</details>";
  }
  return "<section id=\"samples\"><h2>Rollouts <small>" + std::to_string(chosen.size()) + " of " +
         std::to_string(all.size()) +
         " stored steps</small></h2><p class=\"fine\">Best, worst and in between of each group; groups with the most "
         "spread first.</p><div id=\"slider\" hidden></div>" +
         out + "</section>";
}

}  // namespace posttrain::report

// The reading half of Store.
#include "base/json.h"
#include "store/impl.h"
#include "store/metric_names.h"

namespace posttrain::store {
namespace {

double number(const Json& object, const char* key) {
  const auto it = object.find(key);
  return it != object.end() && it->is_number() ? it->get<double>() : std::nan("");
}

std::string string(const Json& object, const char* key) {
  const auto it = object.find(key);
  return it != object.end() && it->is_string() ? it->get<std::string>() : std::string();
}

std::vector<RewardPart> parts_from(const std::string& text, const std::string& where) {
  std::vector<RewardPart> parts;
  for (const Json& item : parse_json(text, where)) {
    parts.push_back({string(item, "name"), number(item, "value"), number(item, "weight"), string(item, "verdict"),
                     string(item, "detail")});
  }
  return parts;
}

Metrics metrics_from(const std::string& text, const std::string& where) {
  Metrics metrics;
  const Json object = parse_json(text, where);
  for (const auto& [key, value] : object.items()) {
    metrics.emplace_back(key, value.is_number() ? value.get<double>() : std::nan(""));
  }
  return metrics;
}

}  // namespace

std::optional<RunRow> Store::run() const {
  const std::scoped_lock guard(impl_->mutex);
  Statement s(*impl_->db, "SELECT name, created, version, seed, recipe, machine, status, message, seconds FROM run");
  if (!s.next()) return std::nullopt;
  RunRow row;
  row.name = s.text(0);
  row.created = s.text(1);
  row.version = s.text(2);
  row.seed = static_cast<uint64_t>(s.integer(3));
  row.recipe = s.text(4);
  row.machine = s.text(5);
  row.status = impl_->abandoned && s.text(6) == "running" ? "interrupted" : s.text(6);
  row.message = s.text(7);
  row.seconds = s.real(8);
  return row;
}

std::vector<StageRow> Store::stages() const {
  const std::scoped_lock guard(impl_->mutex);
  Statement s(
      *impl_->db,
      "SELECT idx, name, type, from_stage, steps, status, started, checkpoint, seconds FROM stages ORDER BY idx");
  std::vector<StageRow> rows;
  while (s.next()) {
    StageRow row;
    row.index = static_cast<int>(s.integer(0));
    row.name = s.text(1);
    row.type = s.text(2);
    row.from = s.text(3);
    row.steps = s.integer(4);
    row.status = impl_->abandoned && s.text(5) == "running" ? "interrupted" : s.text(5);
    row.started = s.text(6);
    row.checkpoint = s.text(7);
    row.seconds = s.real(8);
    rows.push_back(std::move(row));
  }
  return rows;
}

std::optional<int64_t> Store::last_step(int stage) const {
  const std::scoped_lock guard(impl_->mutex);
  Statement s(*impl_->db, "SELECT step FROM steps WHERE stage = ? ORDER BY step DESC LIMIT 1");
  if (!s.bind(stage).next()) return std::nullopt;
  return s.integer(0);
}

std::vector<StepKey> Store::steps() const {
  const std::scoped_lock guard(impl_->mutex);
  Statement s(*impl_->db, "SELECT stage, step FROM steps ORDER BY stage, step");
  std::vector<StepKey> keys;
  while (s.next()) keys.push_back({static_cast<int>(s.integer(0)), s.integer(1)});
  return keys;
}

std::vector<std::string> Store::metric_keys() const {
  const std::scoped_lock guard(impl_->mutex);
  Statement s(*impl_->db, "SELECT DISTINCT key FROM metrics");
  std::vector<std::string> keys;
  while (s.next()) keys.push_back(s.text(0));
  sort_metric_names(keys);
  return keys;
}

std::vector<Point> Store::curve(const std::string& key) const {
  const std::scoped_lock guard(impl_->mutex);
  Statement s(*impl_->db, "SELECT stage, step, value FROM metrics WHERE key = ? ORDER BY stage, step");
  std::vector<Point> points;
  for (s.bind(key); s.next();) points.push_back({static_cast<int>(s.integer(0)), s.integer(1), s.real(2)});
  return points;
}

Metrics Store::metrics(int stage, int64_t step) const {
  const std::scoped_lock guard(impl_->mutex);
  Statement s(*impl_->db, "SELECT key, value FROM metrics WHERE stage = ? AND step = ?");
  Metrics metrics;
  for (s.bind(stage, step); s.next();) metrics.emplace_back(s.text(0), s.real(1));
  sort_metrics(metrics);
  return metrics;
}

std::vector<Span> Store::spans(int stage, int64_t step) const {
  const std::scoped_lock guard(impl_->mutex);
  Statement s(*impl_->db, "SELECT phase, lane, t0, t1 FROM spans WHERE stage = ? AND step = ? ORDER BY rowid");
  std::vector<Span> spans;
  for (s.bind(stage, step); s.next();) {
    spans.push_back({s.text(0), static_cast<int>(s.integer(1)), s.real(2), s.real(3)});
  }
  return spans;
}

std::vector<PhaseTime> Store::phase_times(int stage) const {
  const std::scoped_lock guard(impl_->mutex);
  Statement s(*impl_->db, "SELECT phase, sum(t1 - t0) FROM spans WHERE stage = ? AND lane = 0 GROUP BY phase");
  std::vector<PhaseTime> times;
  for (s.bind(stage); s.next();) times.push_back({s.text(0), s.real(1)});
  return times;
}

std::vector<EvalRecord> Store::evals() const {
  const std::scoped_lock guard(impl_->mutex);
  Statement s(*impl_->db, "SELECT stage, step, task, role, n, k, metrics FROM evals ORDER BY stage, step, task");
  std::vector<EvalRecord> records;
  while (s.next()) {
    EvalRecord record;
    record.stage = static_cast<int>(s.integer(0));
    record.step = s.integer(1);
    record.task = s.text(2);
    record.role = s.text(3);
    record.n = s.integer(4);
    record.k = s.integer(5);
    record.metrics = metrics_from(s.text(6), file_.string());
    records.push_back(std::move(record));
  }
  return records;
}

std::vector<StepKey> Store::sampled_steps(const std::string& task) const {
  const std::scoped_lock guard(impl_->mutex);
  Statement s(*impl_->db, "SELECT DISTINCT stage, step FROM samples WHERE task = ? ORDER BY stage, step");
  std::vector<StepKey> keys;
  for (s.bind(task); s.next();) keys.push_back({static_cast<int>(s.integer(0)), s.integer(1)});
  return keys;
}

std::vector<Group> Store::groups(int stage, int64_t step, const std::string& task) const {
  const std::scoped_lock guard(impl_->mutex);
  Statement s(*impl_->db,
              "SELECT grp, text, answer, completion, completion_tokens, finish, reward, parts, verdict, advantage,"
              " logp_sum, weight_version FROM samples JOIN prompts ON prompts.id = samples.prompt"
              " WHERE stage = ? AND step = ? AND task = ? ORDER BY grp, k");
  std::vector<Group> groups;
  int64_t last = -1;
  for (s.bind(stage, step, task); s.next();) {
    if (s.integer(0) != last) groups.push_back({s.text(1), s.text(2), {}});
    last = s.integer(0);
    SampleRow row;
    row.completion = s.text(3);
    row.completion_tokens = s.integer(4);
    row.finish = s.text(5);
    row.reward = s.real(6);
    row.parts = parts_from(s.text(7), file_.string());
    row.verdict = s.text(8);
    row.advantage = s.real(9);
    row.logp_sum = s.real(10);
    row.weight_version = s.integer(11);
    groups.back().samples.push_back(std::move(row));
  }
  return groups;
}

std::vector<FileDigest> Store::files(int stage) const {
  const std::scoped_lock guard(impl_->mutex);
  Statement s(*impl_->db, "SELECT path, digest FROM files WHERE stage = ? ORDER BY path");
  std::vector<FileDigest> rows;
  for (s.bind(stage); s.next();) rows.push_back({s.text(0), s.text(1)});
  return rows;
}

std::vector<AlertRow> Store::alerts() const {
  const std::scoped_lock guard(impl_->mutex);
  Statement s(*impl_->db, "SELECT stage, step, code, text FROM alerts ORDER BY stage, step, rowid");
  std::vector<AlertRow> rows;
  while (s.next()) {
    AlertRow row;
    row.stage = static_cast<int>(s.integer(0));
    row.step = s.integer(1);
    row.code = s.text(2);
    row.text = s.text(3);
    rows.push_back(std::move(row));
  }
  return rows;
}

std::string Store::content() const {
  const std::scoped_lock guard(impl_->mutex);
  const char* tables[] = {
      "SELECT 'run', name, version, seed, recipe, status, message FROM run",
      "SELECT 'stage', idx, name, type, from_stage, steps, status, checkpoint FROM stages ORDER BY idx",
      "SELECT 'step', stage, step FROM steps ORDER BY stage, step",
      "SELECT 'metric', stage, step, key, quote(value) FROM metrics WHERE key NOT GLOB 'timing_s/*'"
      " AND key NOT GLOB 'perf/*' AND key <> 'step_time' ORDER BY stage, step, key",
      "SELECT 'prompt', id, digest, text, answer FROM prompts ORDER BY id",
      "SELECT 'sample', stage, step, task, grp, k, prompt, completion, completion_tokens, finish, quote(reward), parts,"
      " verdict, quote(advantage), quote(logp_sum), weight_version FROM samples ORDER BY stage, step, task, grp, k",
      "SELECT 'eval', stage, step, task, role, n, k, metrics FROM evals ORDER BY stage, step, task",
      "SELECT 'alert', stage, step, code, text FROM alerts ORDER BY stage, step, rowid"};
  std::string out;
  for (const char* sql : tables) {
    Statement s(*impl_->db, sql);
    while (s.next()) {
      for (int c = 0; c < s.columns(); ++c) {
        if (c > 0) out += '\t';
        out += s.text(c);
      }
      out += '\n';
    }
  }
  return out;
}

}  // namespace posttrain::store

// Opening and writing; store_read.cpp reads.
#include "store/store.h"

#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>

#include "base/error.h"
#include "base/json.h"
#include "base/rng.h"
#include "store/birth.h"
#include "store/embedded/files_sql.h"
#include "store/embedded/schema_sql.h"
#include "store/impl.h"

namespace posttrain::store {
namespace {

constexpr int64_t application_id = 0x50545231;  // "PTR1"
constexpr int64_t schema_version = 1;

std::string utc_now() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm parts{};
  gmtime_r(&now, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text.data();
}

int64_t pragma(Database& db, const char* sql) {
  Statement s(db, sql);
  return s.next() ? s.integer(0) : 0;
}

void create_schema(Database& db) {
  Transaction transaction(db);
  db.execute(embedded::schema_sql);
  db.execute(embedded::files_sql);
  db.execute(("PRAGMA application_id = " + std::to_string(application_id)).c_str());
  db.execute(("PRAGMA user_version = " + std::to_string(schema_version)).c_str());
  transaction.commit();
}

bool is_empty(Database& db) {
  return pragma(db, "SELECT count(*) FROM sqlite_schema") == 0;
}

void check_kind(Database& db, const std::filesystem::path& file) {
  if (pragma(db, "PRAGMA application_id") != application_id) {
    throw Error(file.string(), "", "a run's store", is_empty(db) ? "an empty file" : "another program's SQLite file");
  }
  const int64_t version = pragma(db, "PRAGMA user_version");
  if (version != schema_version) {
    throw Error(file.string(), "schema version", std::to_string(schema_version),
                std::to_string(version) + "; use the version of the program that wrote it");
  }
}

std::string digest_of(const std::string& text, const std::string& answer) {
  std::array<char, 17> hex{};
  std::snprintf(hex.data(), hex.size(), "%016llx",
                static_cast<unsigned long long>(hash_name(text + std::string(1, '\0') + answer)));
  return hex.data();
}

std::string parts_json(const std::vector<RewardPart>& parts) {
  Json list = Json::array();
  for (const RewardPart& part : parts) {
    Json item = {{"name", part.name}, {"value", part.value}, {"weight", part.weight}, {"verdict", part.verdict}};
    if (!part.detail.empty()) item["detail"] = part.detail;
    list.push_back(std::move(item));
  }
  return to_line(list);
}

std::string metrics_json(const Metrics& metrics) {
  Json object = Json::object();
  for (const auto& [key, value] : metrics) object[key] = value;
  return to_line(object);
}

// Everything later than this step of this stage; the stage's own row stays. The run counts as running again.
void delete_after(Database& db, int stage, int64_t step) {
  for (const char* table : {"steps", "metrics", "spans", "samples", "evals", "alerts"}) {
    const std::string sql = std::string("DELETE FROM ") + table + " WHERE stage > ?1 OR (stage = ?1 AND step > ?2)";
    Statement(db, sql.c_str()).bind(stage, step).run();
  }
  Statement(db, "DELETE FROM stages WHERE idx > ?").bind(stage).run();
  Statement(db, "DELETE FROM files WHERE stage >= ?").bind(stage).run();
  // Prompts are numbered by first use, so dropping the unused ones gives later ones their numbers back.
  db.execute("DELETE FROM prompts WHERE id NOT IN (SELECT prompt FROM samples)");
  db.execute("UPDATE run SET status = 'running', message = ''");
}

}  // namespace

std::filesystem::path run_file(const std::filesystem::path& run) {
  auto file = std::filesystem::is_directory(run) ? run / "run.db" : run;
  if (!std::filesystem::exists(file)) throw Error(file.string(), "", "a run", "nothing there");
  return file;
}

Store::Store(const std::filesystem::path& file, Mode mode) : file_(file), impl_(std::make_unique<Impl>()) {
  const bool exists = std::filesystem::exists(file);
  if (mode != Mode::create && !exists) throw Error(file.string(), "", "a run's store", "nothing there");
  if (exists && std::filesystem::is_directory(file)) throw Error(file.string(), "", "a file", "a folder");
  if (mode == Mode::read_only) {
    impl_->abandoned = !FileLock::held(file);
    impl_->db = std::make_unique<Database>(file, Database::Open::read);
    try {
      check_kind(*impl_->db, file);
    } catch (const Failure&) {
      // In a folder that can't be written a WAL database opens only as one that nobody changes.
      std::filesystem::path wal = file;
      wal += "-wal";
      if (std::filesystem::exists(wal)) throw;
      impl_->db = std::make_unique<Database>(file, Database::Open::read_immutable);
      check_kind(*impl_->db, file);
    }
    return;
  }
  impl_->lock.emplace(file);
  if (mode == Mode::create) {
    if (!is_unborn(file)) {
      Database there(file, Database::Open::read);
      check_kind(there, file);
      throw Error(file.string(), "", "a folder without a run", "a run; resume it or choose another folder");
    }
    remove_unborn(file);
    impl_->db = std::make_unique<Database>(unborn_file(file), Database::Open::create);
    create_schema(*impl_->db);
    return;
  }
  impl_->db = std::make_unique<Database>(file, Database::Open::write);
  check_kind(*impl_->db, file);
  // quick_check reads the missing end of a last page as zeros.
  if (std::filesystem::file_size(file) % static_cast<uint64_t>(pragma(*impl_->db, "PRAGMA page_size")) != 0)
    throw Error(file.string(), "the store is damaged (its last page is cut); restore the file from a copy");
  Statement check(*impl_->db, "PRAGMA quick_check(1)");
  if (check.next() && check.text(0) != "ok") {
    throw Error(file.string(), "the store is damaged (" + check.text(0) + "); restore the file from a copy");
  }
  impl_->start_writing();
}

void Store::Impl::start_writing() {
  db->execute(embedded::files_sql);  // stores of earlier versions have no such table
  db->execute("PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON");
  statements = std::make_unique<StepStatements>(*db);
}

Store::~Store() = default;

bool Store::is_store_without_run(const std::filesystem::path& file) {
  try {
    Database db(file, Database::Open::read);
    if (is_empty(db)) return true;
    check_kind(db, file);
    return pragma(db, "SELECT count(*) FROM run") == 0;
  } catch (const std::exception&) {
    return false;
  }
}

void Store::begin_run(const RunInfo& run) {
  const std::scoped_lock guard(impl_->mutex);
  Transaction transaction(*impl_->db);
  Statement(*impl_->db, "INSERT INTO run VALUES (1, ?, ?, ?, ?, ?, ?, 'running', '', 0)")
      .bind(run.name, utc_now(), run.version, static_cast<int64_t>(run.seed), run.recipe, run.machine)
      .run();
  impl_->write_files(recipe_files, run.files);
  transaction.commit();
  impl_->db.reset();  // all of it is in the one file now
  give_birth(file_);
  impl_->db = std::make_unique<Database>(file_, Database::Open::write);
  impl_->db->execute("PRAGMA journal_mode = WAL");
  impl_->start_writing();
}

void Store::begin_stage(const StageInfo& stage) {
  const std::scoped_lock guard(impl_->mutex);
  Statement find(*impl_->db, "SELECT name, type FROM stages WHERE idx = ?");
  if (find.bind(stage.index).next()) {
    if (find.text(0) != stage.name || find.text(1) != stage.type) {
      throw Error(file_.string(), "stage " + std::to_string(stage.index), find.text(0) + " (" + find.text(1) + ")",
                  stage.name + " (" + stage.type + ")");
    }
    Statement(*impl_->db, "UPDATE stages SET status = 'running', steps = ? WHERE idx = ?")
        .bind(stage.steps, stage.index)
        .run();
    return;
  }
  Statement(*impl_->db, "INSERT INTO stages VALUES (?, ?, ?, ?, ?, 'running', ?, 0, '')")
      .bind(stage.index, stage.name, stage.type, stage.from, stage.steps, utc_now())
      .run();
}

void Store::Impl::write_files(int stage, const std::vector<FileDigest>& files) {
  Statement(*db, "DELETE FROM files WHERE stage = ?").bind(stage).run();
  Statement insert(*db, "INSERT INTO files VALUES (?, ?, ?)");
  for (const auto& [path, digest] : files) insert.bind(stage, path, digest).run();
}

int64_t Store::Impl::prompt_id(const std::string& text, const std::string& answer) {
  const std::string digest = digest_of(text, answer);
  Statement& find = statements->find_prompt.bind(digest, text, answer);
  if (find.next()) {
    const int64_t id = find.integer(0);
    find.run();  // to its end: half-read it keeps the log from being emptied
    return id;
  }
  statements->prompt.bind(digest, text, answer).run();
  return db->last_row_id();
}

void Store::Impl::write_groups(int stage, int64_t step, const std::string& task, const std::vector<Group>& groups) {
  for (size_t g = 0; g < groups.size(); ++g) {
    const int64_t prompt = prompt_id(groups[g].prompt, groups[g].answer);
    for (size_t k = 0; k < groups[g].samples.size(); ++k) {
      const SampleRow& s = groups[g].samples[k];
      statements->sample
          .bind(stage, step, task, static_cast<int64_t>(g), static_cast<int64_t>(k), prompt, s.completion,
                s.completion_tokens, s.finish, s.reward, parts_json(s.parts), s.verdict, s.advantage, s.logp_sum,
                s.weight_version)
          .run();
    }
  }
}

void Store::write_step(const StepRecord& record) {
  const std::scoped_lock guard(impl_->mutex);
  StepStatements& s = *impl_->statements;
  Transaction transaction(*impl_->db);
  s.step.bind(record.stage, record.step).run();
  for (const auto& [key, value] : record.metrics) s.metric.bind(record.stage, record.step, key, value).run();
  for (const Span& span : record.spans) {
    s.span.bind(record.stage, record.step, span.phase, span.lane, span.t0, span.t1).run();
  }
  impl_->write_groups(record.stage, record.step, "", record.groups);
  for (const Alert& alert : record.alerts) s.alert.bind(record.stage, record.step, alert.code, alert.text).run();
  transaction.commit();
}

void Store::write_eval(const EvalRecord& record) {
  PT_ASSERT(!record.task.empty());
  const std::scoped_lock guard(impl_->mutex);
  StepStatements& s = *impl_->statements;
  Transaction transaction(*impl_->db);
  s.drop_samples.bind(record.stage, record.step, record.task).run();
  s.eval.bind(record.stage, record.step, record.task, record.role, record.n, record.k, metrics_json(record.metrics))
      .run();
  impl_->write_groups(record.stage, record.step, record.task, record.groups);
  for (const Alert& alert : record.alerts) s.alert.bind(record.stage, record.step, alert.code, alert.text).run();
  transaction.commit();
}

void Store::finish_stage(int stage, const std::string& status, double seconds, const std::string& checkpoint,
                         const std::vector<FileDigest>& files) {
  const std::scoped_lock guard(impl_->mutex);
  Transaction transaction(*impl_->db);
  impl_->write_files(stage, files);
  Statement(*impl_->db, "UPDATE stages SET status = ?, seconds = ?, checkpoint = ? WHERE idx = ?")
      .bind(status, seconds, checkpoint, stage)
      .run();
  transaction.commit();
}

void Store::keep_files(int stage, const std::vector<FileDigest>& files) {
  const std::scoped_lock guard(impl_->mutex);
  Transaction transaction(*impl_->db);
  impl_->write_files(stage, files);
  transaction.commit();
}

void Store::finish_run(const std::string& status, double seconds, const std::string& message) {
  const std::scoped_lock guard(impl_->mutex);
  Statement(*impl_->db, "UPDATE run SET status = ?, seconds = ?, message = ?").bind(status, seconds, message).run();
}

void Store::rewind(int stage, int64_t step) {
  const std::scoped_lock guard(impl_->mutex);
  Transaction transaction(*impl_->db);
  delete_after(*impl_->db, stage, step);
  Statement(*impl_->db, "UPDATE stages SET status = 'running', checkpoint = '' WHERE idx = ?").bind(stage).run();
  transaction.commit();
}

void Store::restart(int stage, const std::string& recipe) {
  const std::scoped_lock guard(impl_->mutex);
  Transaction transaction(*impl_->db);
  delete_after(*impl_->db, stage, -1);
  Statement(*impl_->db, "DELETE FROM stages WHERE idx = ?").bind(stage).run();
  Statement(*impl_->db, "UPDATE run SET recipe = ?").bind(recipe).run();
  transaction.commit();
}

}  // namespace posttrain::store

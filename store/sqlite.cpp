#include "store/sqlite.h"

#include <sqlite3.h>

#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/letters.h"

namespace posttrain::store {
namespace {

constexpr int busy_milliseconds = 5000;

// A file: URI; every byte that could mean something in one is written as %xx.
std::string immutable_uri(const std::filesystem::path& file) {
  std::string uri = "file:";
  const char* hex = "0123456789abcdef";
  for (const char c : std::filesystem::absolute(file).string()) {
    const auto byte = static_cast<unsigned char>(c);
    if (is_letter_or_digit(c) || c == '/' || c == '.' || c == '-' || c == '_') {
      uri += c;
    } else {
      uri += {'%', hex[byte >> 4], hex[byte & 15]};
    }
  }
  return uri + "?immutable=1";
}

}  // namespace

Database::Database(const std::filesystem::path& file, Open open) : file_(file) {
  const bool writes = open == Open::create || open == Open::write;
  int flags = writes ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
  if (open == Open::create) flags |= SQLITE_OPEN_CREATE;
  if (open == Open::read_immutable) flags |= SQLITE_OPEN_URI;
  const std::string name = open == Open::read_immutable ? immutable_uri(file) : file.string();
  const int code = sqlite3_open_v2(name.c_str(), &handle_, flags | SQLITE_OPEN_EXRESCODE, nullptr);
  if (code != SQLITE_OK) {
    try {
      fail(code, "open");
    } catch (...) {
      sqlite3_close(handle_);
      throw;
    }
  }
  sqlite3_busy_timeout(handle_, busy_milliseconds);
}

Database::~Database() {
  sqlite3_close(handle_);
}

void Database::execute(const char* sql) {
  const int code = sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) fail(code, "write");
}

int64_t Database::last_row_id() const {
  return sqlite3_last_insert_rowid(handle_);
}

void Database::fail(int code, const std::string& doing) const {
  const std::string where = file_.string();
  const std::string says = handle_ != nullptr ? sqlite3_errmsg(handle_) : sqlite3_errstr(code);
  switch (code & 0xff) {
    case SQLITE_NOTADB:
      throw Error(where, "", "a run's store", "a file that is not a SQLite database");
    case SQLITE_CORRUPT:
      throw Error(where, "the store is damaged (" + says + "); start a new run, or restore the file from a copy");
    case SQLITE_FULL:
      throw Failure(where, "can't " + doing + ": the disk is full");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      throw Failure(where, "can't " + doing + ": another process has kept the store locked for " +
                               std::to_string(busy_milliseconds / 1000) + " s");
    case SQLITE_READONLY:
      throw Failure(where, "can't " + doing + ": the file or its folder is not writable");
    case SQLITE_CANTOPEN:
      throw Failure(where, "can't open: the file is missing or the folder is not writable (" + says + ")");
    case SQLITE_IOERR:
      throw Failure(where, "can't " + doing + ": " + says + "; the disk may be full or broken");
    default:
      throw Failure(where, "can't " + doing + ": " + says);
  }
}

Statement::Statement(Database& database, const char* sql) : database_(database) {
  check(sqlite3_prepare_v3(database.handle(), sql, -1, SQLITE_PREPARE_PERSISTENT, &handle_, nullptr));
}

Statement::~Statement() {
  sqlite3_finalize(handle_);
}

void Statement::check(int code) const {
  if (code != SQLITE_OK) database_.fail(code, "use");
}

void Statement::reset() {
  sqlite3_reset(handle_);  // repeats the error of the last step, which was thrown then
  sqlite3_clear_bindings(handle_);
}

void Statement::set(int index, int64_t value) {
  check(sqlite3_bind_int64(handle_, index, value));
}

void Statement::set(int index, double value) {
  check(sqlite3_bind_double(handle_, index, value));  // SQLite keeps NaN as NULL
}

void Statement::set(int index, std::string_view value) {
  check(sqlite3_bind_text64(handle_, index, value.data() != nullptr ? value.data() : "", value.size(), SQLITE_TRANSIENT,
                            SQLITE_UTF8));
}

bool Statement::next() {
  const int code = sqlite3_step(handle_);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) {
    try {
      database_.fail(code, sqlite3_stmt_readonly(handle_) != 0 ? "read" : "write");
    } catch (...) {
      sqlite3_reset(handle_);
      throw;
    }
  }
  sqlite3_reset(handle_);  // lets go of the read lock
  return false;
}

void Statement::run() {
  while (next()) {
  }
}

int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(handle_, column);
}

double Statement::real(int column) const {
  if (sqlite3_column_type(handle_, column) == SQLITE_NULL) return std::numeric_limits<double>::quiet_NaN();
  return sqlite3_column_double(handle_, column);
}

std::string Statement::text(int column) const {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(handle_, column));
  if (bytes == nullptr) return {};
  return {bytes, static_cast<size_t>(sqlite3_column_bytes(handle_, column))};
}

int Statement::columns() const {
  return sqlite3_column_count(handle_);
}

bool Statement::is_text(int column) const {
  return sqlite3_column_type(handle_, column) == SQLITE_TEXT;
}

Transaction::~Transaction() {
  if (open_) sqlite3_exec(database_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
}

void Transaction::commit() {
  database_.execute("COMMIT");
  open_ = false;
}

}  // namespace posttrain::store

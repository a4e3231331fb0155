// The one door to SQLite: a connection and its statements, with errors that name the file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace posttrain::store {

// Owns a connection. Not thread-safe.
class Database {
 public:
  enum class Open { create, write, read, read_immutable };
  Database(const std::filesystem::path& file, Open open);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  void execute(const char* sql);
  int64_t last_row_id() const;
  // Throws what the last result code means for a person: Error for a bad file, Failure for a bad machine.
  [[noreturn]] void fail(int code, const std::string& doing) const;
  sqlite3* handle() const { return handle_; }

 private:
  std::filesystem::path file_;
  sqlite3* handle_ = nullptr;
};

// A prepared statement: `s.bind(a, b).run()`, or `for (s.bind(a); s.next();) s.text(0)`. Reused at the next bind.
class Statement {
 public:
  Statement(Database& database, const char* sql);
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  // Resets and binds all parameters in order.
  template <class... Values>
  Statement& bind(const Values&... values) {
    reset();
    int index = 0;
    (set(++index, values), ...);
    return *this;
  }
  // Runs to the end; for statements without rows.
  void run();
  // Moves to the next row; false after the last.
  bool next();

  int64_t integer(int column) const;
  double real(int column) const;  // NULL is NaN
  std::string text(int column) const;
  int columns() const;
  bool is_text(int column) const;

 private:
  void reset();
  void set(int index, int64_t value);
  void set(int index, int value) { set(index, static_cast<int64_t>(value)); }
  void set(int index, double value);
  void set(int index, std::string_view value);
  void check(int code) const;

  Database& database_;
  sqlite3_stmt* handle_ = nullptr;
};

// Rolls back unless committed.
class Transaction {
 public:
  explicit Transaction(Database& database) : database_(database) { database_.execute("BEGIN IMMEDIATE"); }
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit();

 private:
  Database& database_;
  bool open_ = true;
};

}  // namespace posttrain::store

#include "text/tokenizer_file.h"

#include <algorithm>

#include "base/error.h"

namespace posttrain {
namespace {

// Streams the JSON. ordered Json looks keys up one by one, so the tables must never become Json objects.
class Reader final : public nlohmann::json_sax<Json> {
 public:
  Reader(TokenizerFile& file, const std::string& where, std::string_view bytes)
      : file_(file), where_(where), bytes_(bytes) {}

  bool null() override { return value(Json()); }
  bool boolean(bool v) override { return value(Json(v)); }
  bool number_integer(int64_t v) override { return number(static_cast<double>(v), v, Json(v)); }
  bool number_unsigned(uint64_t v) override {
    return number(static_cast<double>(v), v > INT64_MAX ? -1 : static_cast<int64_t>(v), Json(v));
  }
  bool number_float(double v, const string_t&) override { return number(v, -1, Json(v)); }
  bool binary(binary_t&) override { return false; }

  bool string(string_t& v) override {
    if (table_ == Table::none) return value(Json(std::move(v)));
    if (table_ == Table::merges && depth_ == 0) {
      const size_t space = v.find(' ');
      if (space == std::string::npos || v.find(' ', space + 1) != std::string::npos) wrong("'left right'", v);
      file_.merges.emplace_back(v.substr(0, space), v.substr(space + 1));
    } else if (table_ == Table::vocab_object) {
      wrong("an id", v);
    } else {
      if (depth_ == 0 || entry_.size() == 2) wrong("a pair", v);
      entry_.push_back(std::move(v));
    }
    return true;
  }

  bool start_object(size_t) override {
    if (table_ != Table::none) wrong("no object", "{");
    if (in_model() && key_ == "vocab") {
      table_ = Table::vocab_object;
      return true;
    }
    return open(Json::object());
  }
  bool end_object() override {
    if (table_ == Table::vocab_object) {
      table_ = Table::none;
      return true;
    }
    open_.pop_back();
    return true;
  }
  bool key(string_t& v) override {
    key_ = std::move(v);
    return true;
  }

  bool start_array(size_t) override {
    if (table_ != Table::none) {
      if (table_ == Table::vocab_object || depth_ > 0) wrong("no list", "[");
      ++depth_;
      entry_.clear();
      has_score_ = false;
      return true;
    }
    if (in_model() && (key_ == "vocab" || key_ == "merges")) {
      table_ = key_ == "vocab" ? Table::vocab_list : Table::merges;
      return true;
    }
    return open(Json::array());
  }
  bool end_array() override {
    if (table_ == Table::none) {
      open_.pop_back();
      return true;
    }
    if (depth_ == 0) {
      table_ = Table::none;
      return true;
    }
    --depth_;
    if (table_ == Table::merges) {
      if (entry_.size() != 2) wrong("[left, right]", "a list of " + std::to_string(entry_.size()));
      file_.merges.emplace_back(std::move(entry_[0]), std::move(entry_[1]));
    } else {
      if (entry_.size() != 1 || !has_score_) wrong("[token, score]", "another list");
      file_.scored_vocab.emplace_back(std::move(entry_[0]), score_);
    }
    return true;
  }

  bool parse_error(size_t position, const std::string&, const nlohmann::detail::exception& e) override {
    throw json_error(bytes_, position, e, where_);
  }

 private:
  enum class Table { none, vocab_object, vocab_list, merges };

  [[noreturn]] void wrong(const std::string& expected, const std::string& got) const {
    throw Error(where_, table_ == Table::merges ? "model.merges" : "model.vocab", expected, got.substr(0, 80));
  }
  bool in_model() const { return open_.size() == 2 && model_open_; }

  bool number(double as_double, int64_t as_integer, Json v) {
    if (table_ == Table::none) return value(std::move(v));
    if (table_ == Table::vocab_object) {
      file_.vocab.emplace_back(std::move(key_), as_integer);
    } else if (table_ == Table::vocab_list && depth_ == 1 && !has_score_) {
      score_ = as_double;
      has_score_ = true;
    } else {
      wrong("a string", to_line(v));
    }
    return true;
  }

  bool value(Json v) {
    if (table_ != Table::none) wrong("another value", to_line(v));
    place(std::move(v));
    return true;
  }
  Json* place(Json v) {
    if (open_.empty()) {
      file_.rest = std::move(v);
      return &file_.rest;
    }
    Json& parent = *open_.back();
    if (parent.is_array()) {
      parent.push_back(std::move(v));
      return &parent.back();
    }
    if (parent.size() > 5000) throw Error(where_, key_, "at most 5000 keys in an object", "more");
    Json& member = parent[key_];
    member = std::move(v);
    return &member;
  }
  bool open(Json v) {
    if (open_.size() > 64) throw Error(where_, "", "at most 64 levels", "more");
    const bool is_model = open_.size() == 1 && key_ == "model";
    open_.push_back(place(std::move(v)));
    if (open_.size() == 2) model_open_ = is_model;
    return true;
  }

  TokenizerFile& file_;
  const std::string& where_;
  std::string_view bytes_;
  std::vector<Json*> open_;  // a container's address holds while it is open: nothing is added to its parent meanwhile
  std::string key_;
  bool model_open_ = false;
  Table table_ = Table::none;
  int depth_ = 0;  // inside the table
  std::vector<std::string> entry_;
  double score_ = 0;
  bool has_score_ = false;
};

}  // namespace

TokenizerFile parse_tokenizer_file(std::string_view bytes, const std::string& where) {
  TokenizerFile file;
  Reader reader(file, where, bytes);
  Json::sax_parse(bytes.begin(), bytes.end(), &reader);
  if (!file.rest.is_object()) throw Error(where, "", "a JSON object", to_line(file.rest).substr(0, 80));
  return file;
}

}  // namespace posttrain

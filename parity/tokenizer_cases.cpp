#include "parity/tokenizer_cases.h"

#include <optional>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/lines.h"
#include "text/chat.h"
#include "text/stream_decoder.h"

namespace posttrain {
namespace {

class Checker {
 public:
  Checker(const Tokenizer& tokenizer, std::string where) : tokenizer_(tokenizer), where_(std::move(where)) {}

  void check(const Json& one, size_t line) {
    line_ = line;
    failed_ = false;
    kind_ = one.value("kind", "");
    if (kind_ == "encode") {
      encode(one);
    } else if (kind_ == "decode") {
      const auto ids = one.at("ids").get<std::vector<int32_t>>();
      compare("text", one.at("text"), tokenizer_.decode(ids));
      if (one.contains("text_skip_special")) {
        compare("text_skip_special", one["text_skip_special"], tokenizer_.decode(ids, true));
      }
    } else if (kind_ == "stream") {
      stream(one);
    } else if (kind_ == "chat") {
      chat(one);
    } else {
      throw Error(place(), "kind", "encode, decode, stream or chat", "'" + kind_ + "'");
    }
    ++report.cases;
    ++(failed_ ? report.failed : report.passed);
  }

  std::string place() const { return where_ + ":" + std::to_string(line_); }

  TokenizerReport report;

 private:
  void compare(const char* field, const Json& expected, const Json& got) {
    if (expected == got || failed_) return;
    failed_ = true;
    if (report.first_failures.size() < 10) {
      report.first_failures.push_back({line_, kind_, field, to_line(expected), to_line(got)});
    }
  }

  void encode(const Json& one) {
    const auto text = one.at("text").get<std::string>();
    compare("ids", one.at("ids"), tokenizer_.encode(text));
    if (one.contains("ids_with_special")) {
      compare("ids_with_special", one["ids_with_special"], tokenizer_.encode(text, true));
    }
    const auto ids = one["ids"].get<std::vector<int32_t>>();
    const Json decoded = one.value("decoded", Json(text));
    compare("decoded", decoded, tokenizer_.decode(ids));
    compare("decoded_skip_special", one.value("decoded_skip_special", decoded), tokenizer_.decode(ids, true));
  }

  void stream(const Json& one) {
    StreamDecoder decoder(tokenizer_, one.value("skip_special", true));
    Json chunks = Json::array();
    for (const Json& id : one.at("ids")) {
      const auto chunk = decoder.push(id.get<int32_t>());
      chunks.push_back(chunk ? Json(*chunk) : Json());
    }
    compare("chunks", one.at("chunks"), chunks);
  }

  void chat(const Json& one) {
    if (!chat_) chat_.emplace(tokenizer_, "chat template");
    try {
      const RenderedChat rendered =
          chat_->render(one.at("messages"), one.value("tools", Json()), one.value("kwargs", Json()));
      compare("text", one.at("text"), rendered.text);
      compare("ids", one.at("ids"), tokenizer_.encode(rendered.text));
    } catch (const Error& error) {
      compare("text", one.at("text"), std::string("error: ") + error.what());
    }
  }

  const Tokenizer& tokenizer_;
  std::string where_, kind_;
  std::optional<ChatTemplate> chat_;
  size_t line_ = 0;
  bool failed_ = false;
};

}  // namespace

TokenizerReport check_tokenizer_cases(const Tokenizer& tokenizer, const std::filesystem::path& file) {
  Checker checker(tokenizer, file.string());
  for_each_line(read_file(file), [&](std::string_view line, size_t number) {
    if (is_blank(line)) return;
    const std::string where = file.string() + ":" + std::to_string(number);
    try {
      checker.check(parse_json_line(line, where), number);
    } catch (const Json::exception& error) {  // a field that is missing or of the wrong kind
      throw Error(where, error.what());
    }
  });
  return std::move(checker.report);
}

}  // namespace posttrain

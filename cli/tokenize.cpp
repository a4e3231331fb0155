// posttrain tokenize: text, ids and conversations, each turned into the other, one JSON object a line.
#include <cstdio>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>

#include "base/error.h"
#include "base/json.h"
#include "cli/arguments.h"
#include "text/chat.h"
#include "text/loss_mask.h"
#include "text/tokenizer.h"

namespace posttrain::cli {
namespace {

struct TokenizeGiven {
  std::string model, input;
  bool special = false, skip_special = false, mask = false;
};

class Translator {
 public:
  explicit Translator(const TokenizeGiven& given) : given_(given), tokenizer_(Tokenizer::load(given.model)) {}

  Json translate(const Json& line, const std::string& where) {
    if (!line.is_object()) throw Error(where, "", "a JSON object", to_line(line).substr(0, 80));
    if (line.contains("messages")) return chat(line);
    if (line.contains("text")) {
      if (!line["text"].is_string()) throw Error(where, "text", "a string", to_line(line["text"]).substr(0, 80));
      return {{"ids", tokenizer_.encode(line["text"].get<std::string>(), given_.special)}};
    }
    if (line.contains("ids")) return {{"text", tokenizer_.decode(read_ids(line["ids"], where), given_.skip_special)}};
    throw Error(where, "", "text, ids or messages", to_line(line).substr(0, 80));
  }

 private:
  static std::vector<int32_t> read_ids(const Json& list, const std::string& where) {
    if (!list.is_array()) throw Error(where, "ids", "a list", to_line(list).substr(0, 80));
    std::vector<int32_t> ids;
    for (const Json& id : list) {
      if (!id.is_number_integer()) throw Error(where, "ids", "integers", to_line(id).substr(0, 80));
      ids.push_back(id.get<int32_t>());
    }
    return ids;
  }

  // "tools", "add_generation_prompt" and "kwargs" beside the messages go to the template.
  Json chat(const Json& line) {
    if (!chat_) chat_.emplace(tokenizer_, given_.model + ": chat template");
    Json kwargs = line.value("kwargs", Json::object());
    for (const char* name : {"add_generation_prompt", "enable_thinking"}) {
      if (line.contains(name)) kwargs[name] = line[name];
    }
    const Json tools = line.value("tools", Json());
    const RenderedChat rendered = chat_->render(line["messages"], tools, kwargs);
    Json out = {{"text", rendered.text}, {"ids", tokenizer_.encode(rendered.text)}};
    if (given_.mask) out["loss"] = tokenize_chat(tokenizer_, *chat_, line["messages"], tools, kwargs).loss;
    return out;
  }

  const TokenizeGiven& given_;
  Tokenizer tokenizer_;
  std::optional<ChatTemplate> chat_;
};

int tokenize(const TokenizeGiven& given) {
  Translator translator(given);
  std::ifstream file;
  if (!given.input.empty()) {
    file.open(given.input);
    if (!file) throw Error(given.input, "", "a file that can be read", "none");
  }
  std::istream& in = given.input.empty() ? std::cin : file;
  const std::string name = given.input.empty() ? "standard input" : given.input;
  std::string line;
  for (size_t number = 1; std::getline(in, line); ++number) {
    if (line.empty()) continue;
    const std::string where = name + ":" + std::to_string(number);
    std::printf("%s\n", to_line(translator.translate(parse_json_line(line, where), where)).c_str());
  }
  std::fflush(stdout);
  return 0;
}

}  // namespace

Action tokenize_command(Arguments& args) {
  auto given = std::make_shared<TokenizeGiven>();
  args.positional("model", given->model, "A model directory, a .gguf file or a tokenizer.json");
  args.option("--input", given->input, "JSON lines to read; default: standard input");
  args.flag("--add-special", given->special, "Put the tokenizer's special tokens around texts");
  args.flag("--skip-special", given->skip_special, "Leave special tokens out of decoded text");
  args.flag("--mask", given->mask, "Add to conversations which tokens training would learn");
  args.example(R"(echo '{"text": "Hello"}' | posttrain tokenize MODEL)");
  return [given] { return tokenize(*given); };
}

}  // namespace posttrain::cli

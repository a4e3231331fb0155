// What the files beside tokenizer.json say: special tokens, the ids that end a response, the chat template.
#include <algorithm>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "text/tokenizer_parts.h"

namespace posttrain {
namespace {

Json read_if_there(const std::filesystem::path& file) {
  if (!std::filesystem::exists(file)) return Json::object();
  Json json = read_json(file);
  if (!json.is_object()) throw Error(file.string(), "", "a JSON object", to_line(json).substr(0, 80));
  return json;
}

// "<s>" or {"content": "<s>", ...}; "" when absent.
std::string token_text(const Json& json, const std::string& name) {
  if (!json.contains(name)) return "";
  const Json& value = json[name];
  if (value.is_string()) return value.get<std::string>();
  if (value.is_object() && value.contains("content") && value["content"].is_string()) {
    return value["content"].get<std::string>();
  }
  return "";
}

// One id or a list of them.
std::vector<int32_t> id_list(const Json& json, const std::string& name, int32_t vocab_size) {
  std::vector<int32_t> ids;
  const auto take = [&](const Json& id) {
    if (id.is_number_integer() && id.get<int64_t>() >= 0 && id.get<int64_t>() < vocab_size) {
      ids.push_back(id.get<int32_t>());
    }
  };
  if (!json.contains(name)) return ids;
  if (json[name].is_array()) {
    for (const Json& id : json[name]) take(id);
  } else {
    take(json[name]);
  }
  return ids;
}

// A string, or a list of {"name", "template"} of which "default" counts.
std::string template_text(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_array()) {
    for (const Json& item : value) {
      if (item.is_object() && item.value("name", Json()) == "default" && item.contains("template") &&
          item["template"].is_string()) {
        return item["template"].get<std::string>();
      }
    }
  }
  return "";
}

}  // namespace

void read_tokenizer_directory(TokenizerParts& parts, const std::filesystem::path& dir) {
  const Json config = read_if_there(dir / "tokenizer_config.json");
  const Json map = read_if_there(dir / "special_tokens_map.json");
  const Json generation = read_if_there(dir / "generation_config.json");
  const Json model = read_if_there(dir / "config.json");
  const auto find_id = [&](const std::string& text) -> std::optional<int32_t> {
    const auto added = parts.added.find(text);
    return added ? added : parts.model->vocabulary().find(text);
  };
  const auto special = [&](const std::string& role) -> std::optional<int32_t> {
    std::string text = token_text(config, role + "_token");
    if (text.empty()) text = token_text(map, role + "_token");
    std::optional<int32_t> id;
    if (!text.empty()) id = find_id(text);
    for (const Json* json : {&generation, &model}) {
      const auto ids = id_list(*json, role + "_token_id", parts.vocab_size);
      if (!id && text.empty() && !ids.empty()) id = ids[0];
    }
    if (text.empty() && id) {
      const AddedToken* added = parts.added.find(*id);
      text = added ? added->content : parts.model->vocabulary().has(*id) ? parts.model->vocabulary().token(*id) : "";
    }
    if (!text.empty()) parts.special_texts[role + "_token"] = text;
    return id;
  };
  parts.bos = special("bos");
  parts.eos = special("eos");
  parts.pad = special("pad");
  special("unk");
  parts.stops.clear();
  if (parts.eos) parts.stops.push_back(*parts.eos);
  for (const int32_t id : id_list(generation, "eos_token_id", parts.vocab_size)) {
    if (std::ranges::find(parts.stops, id) == parts.stops.end()) parts.stops.push_back(id);
  }
  if (std::filesystem::exists(dir / "chat_template.jinja")) {
    parts.chat_template = read_file(dir / "chat_template.jinja");
  } else {
    parts.chat_template = template_text(config.value("chat_template", Json()));
    if (parts.chat_template.empty()) {
      parts.chat_template = template_text(read_if_there(dir / "chat_template.json").value("chat_template", Json()));
    }
  }
}

}  // namespace posttrain

#include "text/post_process.h"

#include "text/config_fields.h"

namespace posttrain {
namespace {

// {"SpecialToken": {"id": name}} looks the name's ids up in "special_tokens"; {"Sequence": ...} is the text.
Surround from_template(const Json& config, const std::string& where) {
  Surround surround;
  bool seen_text = false;
  for (const Json& piece : array_field(config, "single", where)) {
    if (piece.is_object() && piece.contains("Sequence")) {
      if (seen_text) throw Error(where, "single", "one Sequence", "two");
      seen_text = true;
      continue;
    }
    if (!piece.is_object() || !piece.contains("SpecialToken")) {
      throw Error(where, "single", "Sequence or SpecialToken", to_line(piece).substr(0, 80));
    }
    const std::string name = string_field(piece["SpecialToken"], "id", where + ".single.SpecialToken");
    const Json tokens = config.value("special_tokens", Json::object());
    if (!tokens.is_object() || !tokens.contains(name))
      throw Error(where, "special_tokens", "'" + name + "'", "nothing");
    for (const Json& id : array_field(tokens[name], "ids", where + ".special_tokens." + name)) {
      if (!id.is_number_integer()) throw Error(where, "special_tokens." + name + ".ids", "integers", to_line(id));
      (seen_text ? surround.after : surround.before).push_back(id.get<int32_t>());
    }
  }
  return surround;
}

// BERT and RoBERTa: ["[SEP]", 102] behind and ["[CLS]", 101] before.
int32_t pair_id(const Json& config, const char* name, const std::string& where) {
  const Json& pair = array_field(config, name, where);
  if (pair.size() != 2 || !pair[1].is_number_integer()) throw Error(where, name, "[token, id]", to_line(pair));
  return pair[1].get<int32_t>();
}

}  // namespace

Surround make_surround(const Json& config, const std::string& where) {
  if (config.is_null()) return {};
  const std::string type = component_type(config, where);
  if (type == "ByteLevel") return {};  // moves offsets only
  if (type == "TemplateProcessing") return from_template(config, where);
  if (type == "BertProcessing" || type == "RobertaProcessing") {
    return {{pair_id(config, "cls", where)}, {pair_id(config, "sep", where)}};
  }
  if (type == "Sequence") {
    Surround all;
    const Json& parts = array_field(config, "processors", where);
    for (size_t i = 0; i < parts.size(); ++i) {
      const Surround part = make_surround(parts[i], where + ".processors[" + std::to_string(i) + "]");
      all.before.insert(all.before.begin(), part.before.begin(), part.before.end());
      all.after.insert(all.after.end(), part.after.begin(), part.after.end());
    }
    return all;
  }
  throw Error(where, "type", "BertProcessing, ByteLevel, RobertaProcessing, Sequence or TemplateProcessing", type);
}

}  // namespace posttrain

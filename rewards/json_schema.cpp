#include "rewards/json_schema.h"

#include "base/error.h"
#include "base/json_strict.h"
#include "rewards/tags.h"

namespace posttrain::rewards {

void JsonSchemaReward::Settings::visit(Visitor& v) {
  v("schema", schema, {.doc = "A JSON Schema (draft-07); null: the data row has it"});
  v("schema_field", schema_field, {.doc = "Field of the data row that holds the schema where the setting is null"});
  v("tag", tag,
    {.doc = "Name of the tag that holds the JSON; where it is missing, a ```json block or the whole completion"});
}

JsonSchemaReward::JsonSchemaReward(const Settings& settings) : settings_(settings) {
  if (!settings.schema.is_null()) schema_.emplace(settings.schema, "json_schema: schema");
}

Lack JsonSchemaReward::missing(const Sample& sample) const {
  const bool given = !settings_.schema.is_null() || (sample.extra != nullptr && sample.extra->is_object() &&
                                                     sample.extra->contains(settings_.schema_field) &&
                                                     !(*sample.extra)[settings_.schema_field].is_null());
  return given ? std::nullopt : Lack("a schema in the field " + settings_.schema_field);
}

Score JsonSchemaReward::score(const Sample& sample) const {
  std::optional<Schema> of_row;
  if (!schema_) {
    const bool given = sample.extra != nullptr && sample.extra->contains(settings_.schema_field);
    if (!given) throw Error("json_schema", settings_.schema_field, "a schema in the settings or the data row", "none");
    of_row.emplace((*sample.extra)[settings_.schema_field], "json_schema: " + settings_.schema_field + " of the row");
  }
  auto text = settings_.tag.empty() ? std::nullopt : first_inside(sample.completion, TagPair::named(settings_.tag));
  if (!text) text = first_inside(sample.completion, {"```json", "```"});
  const std::optional<Json> value = try_parse_json(text.value_or(sample.completion));
  if (!value) return {0, Verdict::wrong, "not JSON, or nested deeper than 256 levels", ""};
  try {
    const auto why = (schema_ ? *schema_ : *of_row).mismatch(*value);
    if (why) return {0, Verdict::wrong, *why, to_line(*value)};
    return {1, Verdict::right, "", to_line(*value)};
  } catch (const SchemaLimit& limit) {
    return {0, Verdict::undecided, "too much work: " + limit.what, to_line(*value)};
  }
}

}  // namespace posttrain::rewards

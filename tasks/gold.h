// The gold answer of a data row, wherever public data sets keep it.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

namespace posttrain::tasks {

using Json = nlohmann::ordered_json;
struct DataFields;

// A field by its name, or by a path such as "reward_model.ground_truth"; null when it is not there or null.
const Json* field_of(const Json& row, const std::string& name);

// An answer as text: a text's result (behind the last ####, else in the last \boxed{}, else all of it), a number in
// its shortest spelling (27.0 is 27), true and false, a list joined by commas, an object by its own field for the
// answer. Null, "" and an empty list are none.
std::optional<std::string> spelled_answer(const Json& value);

// The first of these that holds one: the fields that `fields` names for answer and solution where they are not the
// usual ones; answer, final_answer, ground_truth, target, label and their like; the same inside reward_model (verl),
// extra_info, metadata, info; a solution (its result, or all of a single line); a #### or \boxed{} in what the row
// completes its prompt with. "" = none.
std::string gold_of(const Json& row, const DataFields& fields);

// What stands behind the last "####", without spaces and thousands' commas (GSM8K); nothing when there is none.
std::optional<std::string> result_behind_hashes(const std::string& answer);
// What the last \boxed{...} or \fbox{...} holds, braces balanced (MATH); nothing when there is none.
std::optional<std::string> result_in_box(const std::string& solution);

}  // namespace posttrain::tasks

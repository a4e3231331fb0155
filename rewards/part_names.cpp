#include "rewards/part_names.h"

#include <algorithm>

#include "base/nearest.h"

namespace posttrain::rewards {
namespace {

// The row's list of the rewards that apply to it, null when it has none. A column of that name with other things in it
// is the data's own.
const Json* list_of(const Json& row) {
  const auto found = row.is_object() ? row.find("rewards") : row.end();
  if (found == row.end() || !found->is_array()) return nullptr;
  return std::ranges::all_of(*found, [](const Json& name) { return name.is_string(); }) ? &*found : nullptr;
}

const Json* weights_of(const Json& row) {
  const auto found = row.is_object() ? row.find("reward_weights") : row.end();
  return found != row.end() && found->is_object() ? &*found : nullptr;
}

}  // namespace

void fill_names(const std::vector<PartName>& parts, const std::set<std::string>& taken) {
  std::set<std::string> used = taken;
  for (const PartName& part : parts) used.insert(*part.name);
  for (const PartName& part : parts) {
    if (!part.name->empty()) continue;
    *part.name = part.otherwise;
    for (int number = 2; !used.insert(*part.name).second; ++number)
      *part.name = part.otherwise + "_" + std::to_string(number);
  }
}

double row_weight(const Json& row, const std::string& part, double otherwise) {
  const auto names_it = [&](const Json& name) { return name == part; };
  if (const Json* list = list_of(row); list != nullptr && std::ranges::none_of(*list, names_it)) return 0;
  const Json* weights = weights_of(row);
  if (weights == nullptr) return otherwise;
  const auto own = weights->find(part);
  return own == weights->end() || !own->is_number() ? otherwise : own->get<double>();
}

std::string row_complaint(const Json& row) {
  const Json* weights = weights_of(row);
  if (weights == nullptr) return {};
  for (const auto& [name, weight] : weights->items()) {
    if (weight.is_null()) continue;  // a column of a table that this row leaves open
    if (!weight.is_number()) return "reward_weights." + name + ": expected a number, got " + to_line(weight);
  }
  return {};
}

}  // namespace posttrain::rewards

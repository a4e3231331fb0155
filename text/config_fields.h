// Reading the fields of tokenizer.json's components, with errors that name the path.
#pragma once

#include <string>

#include "base/error.h"
#include "base/json.h"

namespace posttrain {

inline std::string component_type(const Json& config, const std::string& where) {
  if (!config.is_object() || !config.contains("type") || !config["type"].is_string()) {
    throw Error(where, "", "an object with a \"type\"", to_line(config).substr(0, 80));
  }
  return config["type"].get<std::string>();
}

inline bool bool_field(const Json& config, const char* name, bool fallback, const std::string& where) {
  if (!config.contains(name) || config[name].is_null()) return fallback;
  if (!config[name].is_boolean()) throw Error(where, name, "true or false", to_line(config[name]).substr(0, 80));
  return config[name].get<bool>();
}

inline std::string string_field(const Json& config, const char* name, const std::string& where) {
  if (!config.contains(name) || !config[name].is_string()) {
    throw Error(where, name, "a string", config.contains(name) ? to_line(config[name]).substr(0, 80) : "nothing");
  }
  return config[name].get<std::string>();
}

inline std::string string_field(const Json& config, const char* name, const std::string& where,
                                const std::string& fallback) {
  return config.contains(name) && !config[name].is_null() ? string_field(config, name, where) : fallback;
}

inline int64_t integer_field(const Json& config, const char* name, const std::string& where) {
  if (!config.contains(name) || !config[name].is_number_integer()) {
    throw Error(where, name, "an integer", config.contains(name) ? to_line(config[name]).substr(0, 80) : "nothing");
  }
  return config[name].get<int64_t>();
}

inline const Json& array_field(const Json& config, const char* name, const std::string& where) {
  if (!config.contains(name) || !config[name].is_array()) {
    throw Error(where, name, "a list", config.contains(name) ? to_line(config[name]).substr(0, 80) : "nothing");
  }
  return config[name];
}

}  // namespace posttrain

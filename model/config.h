// config.json as the families of arch.cpp read and write it. Internal to model/.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "model/arch.h"

namespace posttrain::model {

// Typed access to the fields; every error names the file and the field.
class Config {
 public:
  Config(const Json& json, std::string where) : json_(json), where_(std::move(where)) {}

  const std::string& where() const { return where_; }
  bool has(const std::string& key) const { return json_.contains(key); }
  bool null(const std::string& key) const { return !has(key) || json_[key].is_null(); }
  const Json& at(const std::string& key) const { return json_[key]; }

  int integer(const std::string& key) const;  // required; 0 .. 2^31 - 1
  int integer(const std::string& key, int otherwise) const { return null(key) ? otherwise : integer(key); }
  int integer_or_null(const std::string& key) const { return integer(key, 0); }
  double number(const std::string& key) const;
  double number(const std::string& key, double otherwise) const { return null(key) ? otherwise : number(key); }
  // 0 where the file says null; `otherwise` where it says nothing.
  double number_or_null(const std::string& key, double otherwise) const;
  bool flag(const std::string& key, bool otherwise) const;
  std::string text(const std::string& key, const std::string& otherwise) const;
  std::vector<int> integers(const std::string& key) const;  // one integer or a list; empty when absent or null
  // Which layers are "sliding_attention"; false when the file has no layer_types.
  bool layer_types(int layers, std::vector<bool>& windowed) const;

 private:
  const Json& json_;
  std::string where_;
};

struct Family {
  std::string model_type, architecture;
  bool tied_head;
  int head_dim;  // default; 0 = hidden / heads
  double norm_eps;
  void (*read)(const Config&, Arch&);
  void (*write)(const Arch&, Json&);
};

const Family& find_family(const std::string& model_type, const std::string& where);

void write_layer_types(const Arch& arch, Json& json);

}  // namespace posttrain::model

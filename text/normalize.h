// Normalizers: how a text is rewritten before it is cut into words. The components of tokenizer.json's "normalizer".
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace posttrain {

using Json = nlohmann::ordered_json;

class Normalizer {
 public:
  virtual ~Normalizer() = default;
  // `text` is valid UTF-8. Returns `text` itself or a view of `buffer`, which must not be what `text` views.
  virtual std::string_view apply(std::string_view text, std::string& buffer) const = 0;
};

// A null `config`, or an empty sequence, gives null. Throws Error(where, field, ...) for what is not known.
std::unique_ptr<Normalizer> make_normalizer(const Json& config, const std::string& where);

}  // namespace posttrain

#include "text/stream_decoder.h"

namespace posttrain {

std::optional<std::string> StreamDecoder::push(int32_t id) {
  const auto decode = [&] { return tokenizer_.decode(ids_, skip_special_); };
  const auto is_complete = [](const std::string& text) { return !text.ends_with("\uFFFD"); };
  if (prefix_.empty() && !ids_.empty()) {
    std::string text = decode();
    if (is_complete(text)) {
      prefix_ = std::move(text);
      context_ = ids_.size();
    }
  }
  ids_.push_back(id);
  const std::string text = decode();
  if (text.size() <= prefix_.size() || !is_complete(text)) return std::nullopt;
  // The context decodes to the same text with more behind it, except after bytes that were never valid.
  std::string chunk = text.starts_with(prefix_) ? text.substr(prefix_.size()) : text;
  const size_t new_context = ids_.size() - context_;
  ids_.erase(ids_.begin(), ids_.begin() + static_cast<std::ptrdiff_t>(context_));
  prefix_ = decode();
  context_ = new_context;
  return chunk;
}

}  // namespace posttrain

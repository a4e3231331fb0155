// A chat template from hostile hands: an error, or a text, within bounds of time and memory.
// Input: the template; after a zero byte, the last message's content.
#include <string_view>

#include "base/error.h"
#include "base/json.h"
#include "base/utf8.h"
#include "text/chat.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace posttrain;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::string_view source = input.substr(0, input.find('\0'));
  const std::string_view content = input.substr(std::min(source.size() + 1, input.size()));
  static const Json tools = Json::parse(R"([{"type":"function","function":{"name":"add","parameters":{"a":1}}}])");
  Json messages = Json::parse(R"([{"role":"system","content":"s"},{"role":"user","content":"q"},
    {"role":"assistant","content":"<think>t</think>a","tool_calls":[{"function":{"name":"add","arguments":{}}}]}])");
  messages.push_back({{"role", "user"}, {"content", repair_utf8(content)}});
  try {
    const ChatTemplate chat(source, "fuzz");
    const std::string text = chat.render(messages, tools, {{"add_generation_prompt", true}}).text;
    PT_ASSERT(is_valid_utf8(text));
  } catch (const Error& e) {
    PT_ASSERT(*e.what() != '\0');
  }
  return 0;
}

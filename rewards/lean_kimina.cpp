// A Kimina server: POST /api/check with one snippet. The server judges messages only, so statement and axioms are asked
// for in a second snippet that holds the proof again; the trust stays "messages".
#include <cmath>

#include "base/json.h"
#include "rewards/lean_http.h"
#include "rewards/lean_pooled.h"
#include "rewards/lean_reply.h"

namespace posttrain::rewards {
namespace {

class KiminaBackend : public PooledLean<NoState> {
 public:
  explicit KiminaBackend(const LeanSettings& settings)
      : PooledLean("lean-kimina", settings), address_(read_address(settings.url)) {}

 private:
  void run(NoState&, const LeanSource& source, LeanResult& out) override {
    const LeanReply reply = ask(source.sentinel, settings_.header + "\n" + source.text + "\n" + source.audit);
    judge_messages(reply, source, header_lines(), out);
    if (out.verdict != Verdict::right) return;
    judge_audit(reply, source, out);
    if (out.trust == "audited") out.trust = "messages";
  }

  LeanReply ask(const std::string& id, const std::string& code) {
    const Json request = {{"snippets", Json::array({{{"id", id}, {"code", code}}})},
                          {"timeout", static_cast<int64_t>(std::ceil(settings_.timeout_s))},
                          {"reuse", true}};
    const HttpReply reply = http_post(address_, "/api/check", to_line(request), settings_.timeout_s);
    if (reply.status == 200) return read_kimina_reply(reply.body, id);
    LeanReply out;
    out.fault = reply.status == 0 ? reply.error : "the server says " + std::to_string(reply.status);
    return out;
  }

  HttpAddress address_;
};

}  // namespace

std::unique_ptr<LeanBackend> make_lean_kimina(const LeanSettings& settings) {
  return std::make_unique<KiminaBackend>(settings);
}

}  // namespace posttrain::rewards

// A Kimina server: POST /api/check with one snippet. The server judges messages only, so statement and axioms are asked
// for in a second snippet that holds the proof again; the trust stays "messages".
#include <chrono>

#include "base/error.h"
#include "base/json.h"
#include "rewards/lean_http.h"
#include "rewards/lean_reply.h"
#include "rewards/lean_slots.h"

namespace posttrain::rewards {
namespace {

struct Nothing {};

class KiminaBackend : public LeanBackend {
 public:
  explicit KiminaBackend(const LeanSettings& settings)
      : settings_(settings), address_(read_address(settings.url)), slots_(static_cast<size_t>(settings.workers)) {}

  LeanResult judge(std::string_view statement, std::string_view proof) override {
    LeanResult out;
    out.backend = "lean-kimina";
    const auto start = std::chrono::steady_clock::now();
    try {
      if (const auto refusal = refuse_proof(proof)) {
        out.verdict = Verdict::wrong;
        out.message = *refusal;
        return out;
      }
      const std::string nonce = fresh_nonce();
      const LeanSource source = assemble_lean(statement, proof, nonce);
      const typename Slots<Nothing>::Taken slot(slots_);
      const LeanReply reply = ask(nonce, settings_.header + "\n" + source.text + "\n" + source.audit);
      const auto lines = 1 + static_cast<int>(std::count(settings_.header.begin(), settings_.header.end(), '\n'));
      judge_messages(reply, source, lines, out);
      if (out.verdict == Verdict::right) {
        judge_audit(reply, source, out);
        if (out.trust == "audited") out.trust = "messages";
      }
    } catch (const std::exception& e) {
      out.verdict = Verdict::failed;
      out.message = e.what();
    }
    out.milliseconds = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
    return out;
  }

 private:
  LeanReply ask(const std::string& id, const std::string& code) {
    const Json request = {{"snippets", Json::array({{{"id", id}, {"code", code}}})},
                          {"timeout", static_cast<int64_t>(settings_.timeout_s)},
                          {"reuse", true}};
    const HttpReply reply = http_post(address_, "/api/check", to_line(request), settings_.timeout_s + 5);
    if (reply.status == 200) return read_kimina_reply(reply.body, id);
    LeanReply out;
    out.fault = reply.status == 0 ? reply.error : "the server says " + std::to_string(reply.status);
    return out;
  }

  LeanSettings settings_;
  HttpAddress address_;
  Slots<Nothing> slots_;
};

}  // namespace

std::unique_ptr<LeanBackend> make_lean_kimina(const LeanSettings& settings) {
  return std::make_unique<KiminaBackend>(settings);
}

}  // namespace posttrain::rewards

#include "rewards/lean_reply.h"

#include <algorithm>

#include "base/error.h"
#include "base/lines.h"

namespace posttrain::rewards {
namespace {

std::string text_of(const Json& object, const char* key) {
  const auto at = object.find(key);
  return at != object.end() && at->is_string() ? at->get<std::string>() : "";
}

int number_of(const Json& object, const char* key) {
  const auto at = object.find(key);
  return at != object.end() && at->is_number_integer() ? at->get<int>() : 0;
}

bool add_message(const Json& m, LeanReply& out) {
  if (!m.is_object()) return false;
  LeanMessage message;
  message.severity = text_of(m, "severity");
  if (message.severity == "information" || message.severity == "trace") message.severity = "info";
  if (message.severity != "info" && message.severity != "warning" && message.severity != "error") return false;
  message.text = text_of(m, "data");
  if (const auto pos = m.find("pos"); pos != m.end() && pos->is_object()) {
    message.line = number_of(*pos, "line");
    message.column = number_of(*pos, "column");
  }
  out.sorry |= message.text.find("declaration uses 'sorry'") != std::string::npos ||
               message.text.find("declaration uses `sorry`") != std::string::npos;
  out.messages.push_back(std::move(message));
  return true;
}

LeanReply fault(const std::string& what) {
  LeanReply out;
  out.fault = what;
  return out;
}

LeanReply read_object(const Json& reply) {
  LeanReply out;
  if (!reply.is_object()) return fault("a reply that is no object");
  if (reply.contains("message") && !reply.contains("messages") && !reply.contains("env"))
    return fault("the REPL failed: " + text_of(reply, "message"));
  if (const auto messages = reply.find("messages"); messages != reply.end()) {
    if (!messages->is_array()) return fault("messages that are no list");
    for (const Json& m : *messages)
      if (!add_message(m, out)) return fault("a message without severity");
  }
  if (const auto sorries = reply.find("sorries"); sorries != reply.end() && sorries->is_array() && !sorries->empty())
    out.sorry = true;
  if (const auto env = reply.find("env"); env != reply.end() && env->is_number_integer()) out.env = env->get<int64_t>();
  return out;
}

}  // namespace

std::string LeanReply::all_text() const {
  std::string out;
  for (const LeanMessage& m : messages) out += m.text + "\n";
  return out;
}

LeanReply read_repl_reply(std::string_view text) {
  try {
    return read_object(parse_json(text, "the REPL's reply"));
  } catch (const std::exception& e) {
    return fault(e.what());
  }
}

LeanReply read_lean_lines(std::string_view text) {
  LeanReply out;
  try {
    for_each_line(text, [&](std::string_view line, size_t number) {
      if (is_blank(line)) return;
      const std::string where = "lean --json:" + std::to_string(number);
      if (!add_message(parse_json_line(line, where), out)) throw Error(where, "a line that is no message");
    });
  } catch (const std::exception& e) {
    return fault(e.what());
  }
  return out;
}

LeanReply read_kimina_reply(std::string_view text, std::string_view id) {
  try {
    const Json reply = parse_json(text, "the Kimina server's reply");
    const auto results = reply.is_object() ? reply.find("results") : reply.end();
    if (!reply.is_object() || results == reply.end() || !results->is_array() || results->size() != 1)
      return fault("not exactly one result");
    const Json& result = results->front();
    if (!result.is_object() || text_of(result, "id") != id) return fault("a result of another id");
    const bool error = result.contains("error") && !result["error"].is_null();
    const bool response = result.contains("response") && !result["response"].is_null();
    if (error == response) return fault("not exactly one of error and response");
    if (error) return fault(result["error"].is_string() ? result["error"].get<std::string>() : "server error");
    return read_object(result["response"]);
  } catch (const std::exception& e) {
    return fault(e.what());
  }
}

void judge_messages(const LeanReply& reply, const LeanSource& source, int lines_before, LeanResult& into) {
  if (!reply.fault.empty()) {
    const bool time = reply.fault.find("timed out") != std::string::npos;
    into.verdict = time ? Verdict::undecided : Verdict::failed;
    into.message = reply.fault;
    return;
  }
  bool sentinel = false;
  for (const LeanMessage& m : reply.messages) {
    if (m.severity == "error") {
      if (into.errors.empty()) {
        into.error_line = std::max(1, m.line - lines_before - source.proof_line + 1);
        into.error_column = std::max(0, m.column - 2);
      }
      into.errors.push_back(m.text);
    } else if (m.severity == "warning") {
      into.warnings.push_back(m.text);
    } else {
      sentinel |= m.text.find(source.sentinel + " : True") != std::string::npos;
    }
  }
  into.pass = into.errors.empty();
  const auto failed = [](const std::string& w) { return w.find("failed") != std::string::npos; };
  const bool warned = std::ranges::any_of(into.warnings, failed);
  into.complete = into.pass && !reply.sorry && !warned && sentinel;
  into.verdict = into.complete ? Verdict::right : Verdict::wrong;
  if (!into.pass)
    into.message = into.errors.front();
  else if (reply.sorry)
    into.message = "the proof uses sorry";
  else if (warned)
    into.message = "a tactic only warned that it failed";
  else if (!sentinel)
    into.message = "what stands after the proof was not read";
}

void judge_audit(const LeanReply& reply, const LeanSource& source, LeanResult& into) {
  const auto refuse = [&](Verdict verdict, const std::string& why) {
    into.verdict = verdict;
    into.complete = false;
    into.message = why;
  };
  if (!reply.fault.empty()) return refuse(Verdict::failed, "audit: " + reply.fault);
  for (const LeanMessage& m : reply.messages)
    if (m.severity == "error") return refuse(Verdict::wrong, "audit: the name does not prove the statement: " + m.text);
  std::string audited = source.sentinel;
  audited.replace(audited.find("sentinel"), std::string("sentinel").size(), "audit");
  const auto axioms = axioms_in(reply.all_text(), audited);
  if (!axioms) return refuse(Verdict::failed, "audit: no list of axioms");
  into.axioms = *axioms;
  if (const auto bad = forbidden_axiom(*axioms)) return refuse(Verdict::wrong, "the proof rests on the axiom " + *bad);
  into.trust = "audited";
}

}  // namespace posttrain::rewards

// What Lean says, whichever way it came: REPL replies, lines of `lean --json`, a Kimina server's answer.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "rewards/lean_backend.h"
#include "rewards/lean_source.h"

namespace posttrain::rewards {

constexpr size_t kMostReplyBytes = 16 << 20;

struct LeanMessage {
  std::string severity;  // error, warning or info
  int line = 0, column = 0;
  std::string text;
};

struct LeanReply {
  std::vector<LeanMessage> messages;
  bool sorry = false;
  int64_t env = -1;   // REPL only
  std::string fault;  // not a reply of the protocol; nothing else means anything
  std::string all_text() const;
};

// A REPL's object: messages with severity trace|info|warning|error, sorries, env; or {"message": ...} for a failure.
LeanReply read_repl_reply(std::string_view text);
// One object a line with severity information|warning|error; other lines are a fault.
LeanReply read_lean_lines(std::string_view text);
// {"results": [{"id", "error" | "response", ...}]} with exactly one result, of that id.
LeanReply read_kimina_reply(std::string_view text, std::string_view id);

// What the messages about the candidate's source mean, before any audit: fills verdict (right only if nothing is wrong
// and the sentinel came back), errors, warnings, the first error's place in the proof.
void judge_messages(const LeanReply& reply, const LeanSource& source, int lines_before, LeanResult& into);
// Adds the audit's word: the statement proved anew by name, and its axioms.
void judge_audit(const LeanReply& reply, const LeanSource& source, LeanResult& into);

}  // namespace posttrain::rewards

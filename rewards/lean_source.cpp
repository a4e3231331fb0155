#include "rewards/lean_source.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/lines.h"
#include "lean/lexer.h"

namespace posttrain::rewards {
namespace {

// Words that start commands, run code or lower the guard. A proof body needs none of them.
constexpr std::array<std::string_view, 80> forbidden = {"sorry",         "admit",
                                                        "sorryAx",       "axiom",
                                                        "constant",      "opaque",
                                                        "def",           "theorem",
                                                        "lemma",         "example",
                                                        "instance",      "abbrev",
                                                        "structure",     "inductive",
                                                        "class",         "mutual",
                                                        "deriving",      "notation",
                                                        "notation3",     "infix",
                                                        "infixl",        "infixr",
                                                        "prefix",        "postfix",
                                                        "macro",         "macro_rules",
                                                        "syntax",        "elab",
                                                        "elab_rules",    "declare_syntax_cat",
                                                        "set_option",    "attribute",
                                                        "local",         "scoped",
                                                        "namespace",     "section",
                                                        "end",           "universe",
                                                        "variable",      "variables",
                                                        "import",        "export",
                                                        "open",          "include",
                                                        "omit",          "private",
                                                        "protected",     "noncomputable",
                                                        "unsafe",        "partial",
                                                        "nonrec",        "implemented_by",
                                                        "extern",        "csimp",
                                                        "initialize",    "builtin_initialize",
                                                        "run_cmd",       "run_tac",
                                                        "run_meta",      "run_elab",
                                                        "by_elab",       "simproc",
                                                        "dsimproc",      "simproc_decl",
                                                        "seal",          "unseal",
                                                        "native_decide", "bv_decide",
                                                        "ofReduceBool",  "trustCompiler",
                                                        "unsafeCast",    "lcProof",
                                                        "unreachable!",  "dbg_trace",
                                                        "dbgTrace",      "IO",
                                                        "exit",          "add_decl_doc",
                                                        "library_note",  "register_option"};
constexpr std::array<std::string_view, 7> forbidden_spaces = {"Lean.", "IO.",   "System.", "Lean4Lean.",
                                                              "Elab.", "Meta.", "debug."};

bool ends_in(std::string_view name, std::string_view word) {
  return name == word ||
         (name.size() > word.size() && name.ends_with(word) && name[name.size() - word.size() - 1] == '.');
}

std::string statement_without_proof(std::string_view statement) {
  std::string s(statement);
  const auto trim = [&] {
    while (!s.empty() && (s.back() == ' ' || s.back() == '\n' || s.back() == '\t' || s.back() == '\r')) s.pop_back();
  };
  trim();
  for (const std::string_view tail : {"sorry", "by", ":="}) {
    if (s.ends_with(tail)) s.resize(s.size() - tail.size());
    trim();
  }
  return s;
}

}  // namespace

std::optional<std::string> refuse_proof(std::string_view proof) {
  std::vector<lean::Token> tokens;
  try {
    tokens = lean::lex(proof);
  } catch (const lean::SyntaxError& e) {
    return e.what();
  }
  std::vector<char> brackets;
  for (size_t i = 0; i < tokens.size(); ++i) {
    const lean::Token& t = tokens[i];
    if (t.is("?") && !t.after_space && i > 0 && tokens[i - 1].kind == lean::Token::Kind::word)
      return "'" + tokens[i - 1].text + "?' is not allowed in a proof";  // Lean 4.9's apply? lost errors
    if (t.kind == lean::Token::Kind::word) {
      for (const std::string_view word : forbidden)
        if (ends_in(t.text, word)) return "'" + t.text + "' is not allowed in a proof";
      for (const std::string_view space : forbidden_spaces)
        if (t.text.starts_with(space) || t.text.find("." + std::string(space)) != std::string::npos)
          return "'" + t.text + "' is not allowed in a proof";
      if (t.text.find("posttrain_") != std::string::npos) return "a reserved name";
    }
    if (t.kind != lean::Token::Kind::symbol) continue;
    if (t.text == "#") return "a command that starts with '#'";
    if (t.text == "@") {
      const size_t after = t.offset + 1;
      if (after < proof.size() && proof[after] == '[') return "an attribute";
    }
    if (t.text == "«" || t.text == "»") return "a quoted name";
    if (t.text == "`") return "a quotation";
    if (t.text == "(" || t.text == "[" || t.text == "{") brackets.push_back(t.text[0]);
    if (t.text == ")" || t.text == "]" || t.text == "}") {
      const char open = t.text == ")" ? '(' : t.text == "]" ? '[' : '{';
      if (brackets.empty() || brackets.back() != open) return "unbalanced brackets";
      brackets.pop_back();
    }
  }
  if (tokens.size() <= 1) return "an empty proof";
  if (!brackets.empty()) return "unbalanced brackets";
  return std::nullopt;
}

LeanSource assemble_lean(std::string_view statement, std::string_view proof, std::string_view nonce) {
  LeanSource out;
  const std::string head = statement_without_proof(statement);
  const std::vector<lean::Token> tokens = [&] {
    try {
      return lean::lex(head);
    } catch (const lean::SyntaxError& e) {
      throw Error("statement", "text", "Lean source", e.what());
    }
  }();
  if (tokens.size() < 4 || (!tokens[0].is("theorem") && !tokens[0].is("lemma")) ||
      tokens[1].kind != lean::Token::Kind::word)
    throw Error("statement", "text", "theorem name ... : ...", std::string(statement.substr(0, 60)));
  out.name = tokens[1].text;
  out.sentinel = "posttrain_sentinel_" + std::string(nonce);
  out.text = head + " := by\n";
  out.proof_line = 1 + static_cast<int>(std::ranges::count(out.text, '\n'));
  // Two columns to the right, so that no line of the candidate starts a command's column.
  for_each_line(proof, [&](std::string_view line, size_t) { out.text.append("  ").append(line) += '\n'; });
  out.text += "\ntheorem " + out.sentinel + " : True := True.intro\n#check @" + out.sentinel + "\n";
  const std::string again = "posttrain_audit_" + std::string(nonce);
  std::string same = head;
  same.replace(tokens[1].offset, tokens[1].text.size(), again);
  out.audit = same + " := by\n  first | exact " + out.name + " | (apply " + out.name +
              " <;> assumption)\n#print axioms " + again + "\n";
  return out;
}

std::optional<std::vector<std::string>> axioms_in(std::string_view messages, std::string_view name) {
  const std::string none = "'" + std::string(name) + "' does not depend on any axioms";
  const std::string some = "'" + std::string(name) + "' depends on axioms: [";
  const size_t a = messages.find(none), b = messages.find(some);
  if ((a == std::string_view::npos) == (b == std::string_view::npos)) return std::nullopt;
  std::vector<std::string> out;
  if (a != std::string_view::npos)
    return messages.find(none, a + 1) == std::string_view::npos ? std::optional(out) : std::nullopt;
  if (messages.find(some, b + 1) != std::string_view::npos) return std::nullopt;
  const size_t end = messages.find(']', b);
  if (end == std::string_view::npos) return std::nullopt;
  std::string word;
  for (const char c : messages.substr(b + some.size(), end - b - some.size())) {
    if (c == ',') {
      out.push_back(std::move(word));
      word.clear();
    } else if (c != ' ' && c != '\n') {
      word += c;
    }
  }
  out.push_back(std::move(word));
  return out;
}

std::optional<std::string> forbidden_axiom(const std::vector<std::string>& axioms) {
  for (const std::string& a : axioms)
    if (a != "propext" && a != "Classical.choice" && a != "Quot.sound") return a;
  return std::nullopt;
}

}  // namespace posttrain::rewards

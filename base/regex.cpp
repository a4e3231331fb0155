#define PCRE2_CODE_UNIT_WIDTH 8
#include "base/regex.h"

#include <pcre2.h>

#include <set>

#include "base/error.h"

namespace posttrain {
namespace {

// Where the two dialects read the same letters differently: \s is the property White_Space (PCRE2 adds U+180E), \w has
// marks and all connectors, \h is a hexadecimal digit, and a script name means Script, not Script_Extensions.
std::string translate(const std::string& pattern) {
  static const std::set<std::string> kScripts = {"Han",   "Hiragana", "Katakana", "Hangul",     "Latin",
                                                 "Greek", "Cyrillic", "Thai",     "Arabic",     "Hebrew",
                                                 "Lao",   "Khmer",    "Myanmar",  "Devanagari", "Tibetan"};
  std::string out;
  bool in_class = false;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == '[') {
      // Inside a class a second '[' opens a nested class in Oniguruma; only POSIX classes are in use.
      out += in_class && !(i + 1 < pattern.size() && pattern[i + 1] == ':') ? "\\[" : "[";
      in_class = true;
      continue;
    }
    if (c == ']') in_class = in_class && i > 0 && pattern[i - 1] == ':';
    if (c != '\\' || i + 1 == pattern.size()) {
      out += c;
      continue;
    }
    const char next = pattern[++i];
    if (next == 'w' || (next == 'W' && !in_class)) {
      out += in_class ? "" : next == 'w' ? "[" : "[^";
      out += "\\p{L}\\p{M}\\p{Nd}\\p{Pc}";
      if (!in_class) out += "]";
    } else if (next == 's' || next == 'S') {
      out += next == 's' ? "\\p{White_Space}" : "\\P{White_Space}";
    } else if (next == 'h' || next == 'H') {
      out += next == 'h' ? "\\p{ASCII_Hex_Digit}" : "\\P{ASCII_Hex_Digit}";
    } else if ((next == 'p' || next == 'P') && i + 1 < pattern.size() && pattern[i + 1] == '{') {
      const size_t close = pattern.find('}', i);
      if (close == std::string::npos) return pattern;  // the compiler says what is wrong with it
      std::string name = pattern.substr(i + 2, close - i - 2);
      bool negated = next == 'P';
      if (!name.empty() && name[0] == '^') {
        negated = !negated;
        name.erase(0, 1);
      }
      out += std::string(negated ? "\\P{" : "\\p{") + (kScripts.contains(name) ? "sc:" : "") + name + "}";
      i = close;
    } else {
      out += c;
      out += next;
    }
  }
  return out;
}

// \s of ECMA-262 is Unicode's white space and U+FEFF, while \d and \w stay ASCII.
std::string translate_ecma(const std::string& pattern) {
  constexpr const char* spaces =
      "\\s\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000\\ufeff";  // which need ALT_BSUX
  std::string out;
  bool in_class = false;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == '[') in_class = true;
    if (c == ']') in_class = false;
    if (c != '\\' || i + 1 == pattern.size()) {
      out += c;
      continue;
    }
    const char next = pattern[++i];
    if (next == 's')
      out += in_class ? spaces : std::string("[") + spaces + "]";
    else if (next == 'S' && !in_class)
      out += std::string("[^") + spaces + "]";
    else
      out += {c, next};
  }
  return out;
}

constexpr uint32_t kOptions = PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C;
constexpr uint32_t kEcmaOptions =
    PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C | PCRE2_DOLLAR_ENDONLY | PCRE2_ALLOW_EMPTY_CLASS | PCRE2_MATCH_UNSET_BACKREF;
constexpr size_t kJitStack = 1 << 20;

struct MatchState {
  explicit MatchState(const pcre2_code* code)
      : data(pcre2_match_data_create_from_pattern(code, nullptr)),
        context(pcre2_match_context_create(nullptr)),
        stack(pcre2_jit_stack_create(32 << 10, kJitStack, nullptr)) {
    PT_ASSERT(data && context);
    if (stack) pcre2_jit_stack_assign(context, nullptr, stack);
    pcre2_set_match_limit(context, 50'000'000);
    pcre2_set_heap_limit(context, 256 << 10);  // KiB
  }
  ~MatchState() {
    pcre2_match_data_free(data);
    pcre2_match_context_free(context);
    if (stack) pcre2_jit_stack_free(stack);
  }
  MatchState(const MatchState&) = delete;
  MatchState& operator=(const MatchState&) = delete;
  pcre2_match_data* data;
  pcre2_match_context* context;
  pcre2_jit_stack* stack;
};

}  // namespace

struct Regex::Code {
  pcre2_code* code = nullptr;
  ~Code() { pcre2_code_free(code); }

  // Where the first match at or behind `at` begins and ends; false when there is none.
  bool next(const MatchState& state, std::string_view text, PCRE2_SIZE at, PCRE2_SIZE& begin, PCRE2_SIZE& end,
            const std::string& where) const {
    const auto* subject = reinterpret_cast<PCRE2_SPTR>(text.data());
    int found = pcre2_match(code, subject, text.size(), at, PCRE2_NO_UTF_CHECK, state.data, state.context);
    if (found == PCRE2_ERROR_JIT_STACKLIMIT) {
      found = pcre2_match(code, subject, text.size(), at, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, state.data, state.context);
    }
    if (found == PCRE2_ERROR_NOMATCH) return false;
    if (found < 0) {
      PCRE2_UCHAR message[160] = {};
      pcre2_get_error_message(found, message, sizeof message);
      throw Failure(where, "matching gave up: " + std::string(reinterpret_cast<const char*>(message)));
    }
    const PCRE2_SIZE* bounds = pcre2_get_ovector_pointer(state.data);
    begin = bounds[0];
    end = bounds[1];
    return true;
  }
};

Regex::Regex(const std::string& pattern, const std::string& where, Dialect dialect)
    : code_(std::make_unique<Code>()), where_(where) {
  const bool ecma = dialect == Dialect::ecma;
  const std::string translated = ecma ? translate_ecma(pattern) : translate(pattern);
  const std::unique_ptr<pcre2_compile_context, decltype(&pcre2_compile_context_free)> context(
      pcre2_compile_context_create(nullptr), &pcre2_compile_context_free);
  PT_ASSERT(context);
  if (ecma) {
    pcre2_set_compile_extra_options(context.get(), PCRE2_EXTRA_ALT_BSUX);  // \uHHHH and \u{...}
    pcre2_set_newline(context.get(), PCRE2_NEWLINE_ANYCRLF);
  }
  int error = 0;
  PCRE2_SIZE offset = 0;
  code_->code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(translated.data()), translated.size(),
                              ecma ? kEcmaOptions : kOptions, &error, &offset, context.get());
  if (!code_->code) {
    PCRE2_UCHAR message[160] = {};
    pcre2_get_error_message(error, message, sizeof message);
    throw Error(where, "", "a regular expression", "'" + pattern + "': " + reinterpret_cast<const char*>(message));
  }
  pcre2_jit_compile(code_->code, PCRE2_JIT_COMPLETE);  // without JIT the interpreter gives the same matches
}

Regex::~Regex() = default;

bool Regex::found_in(std::string_view text) const {
  const MatchState state(code_->code);
  PCRE2_SIZE begin = 0, end = 0;
  return code_->next(state, text, 0, begin, end, where_);
}

void Regex::find_all(std::string_view text, std::vector<Span>& matches) const {
  const MatchState state(code_->code);
  PCRE2_SIZE at = 0, begin = 0, end = 0;
  while (at < text.size() && code_->next(state, text, at, begin, end, where_)) {
    if (end > begin) {
      matches.push_back({static_cast<uint32_t>(begin), static_cast<uint32_t>(end)});
      at = end;
    } else {
      at = end + 1;
      while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) ++at;
    }
  }
}

}  // namespace posttrain

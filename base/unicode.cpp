#include "base/unicode.h"

#include <utf8proc.h>

#include <array>
#include <cstdlib>
#include <memory>

#include "base/error.h"
#include "base/utf8.h"

namespace posttrain {
namespace {

bool is_white_space(char32_t c) {
  return (c >= 9 && c <= 13) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) ||
         c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

uint8_t compute_class(char32_t code) {
  uint32_t bits = 0;
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(code))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
      bits = kLetter;
      break;
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
      bits = kNumber;
      break;
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
      bits = kMark;
      break;
    case UTF8PROC_CATEGORY_PC:
      bits = kPunctuation | kWordExtra;
      break;
    case UTF8PROC_CATEGORY_PD:
    case UTF8PROC_CATEGORY_PS:
    case UTF8PROC_CATEGORY_PE:
    case UTF8PROC_CATEGORY_PI:
    case UTF8PROC_CATEGORY_PF:
    case UTF8PROC_CATEGORY_PO:
      bits = kPunctuation;
      break;
    case UTF8PROC_CATEGORY_SM:
    case UTF8PROC_CATEGORY_SC:
    case UTF8PROC_CATEGORY_SK:
    case UTF8PROC_CATEGORY_SO:
      bits = kSymbol;
      break;
    default:
      break;
  }
  if (is_white_space(code)) bits |= kSpace;
  if (code == '\r' || code == '\n') bits |= kNewline;
  if (code == 0x200C || code == 0x200D) bits |= kWordExtra;
  return static_cast<uint8_t>(bits);
}

constexpr char32_t kTableEnd = 0x20000;  // beyond it only rare ideographs: looked up one by one

const std::array<uint8_t, kTableEnd>& class_table() {
  static const auto table = [] {
    auto classes = std::make_unique<std::array<uint8_t, kTableEnd>>();
    for (char32_t c = 0; c < kTableEnd; ++c) (*classes)[c] = compute_class(c);
    return classes;
  }();
  return *table;
}

// No character below U+0300 composes, reorders or (for NFC) decomposes.
bool all_below_0300(std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) >= 0xCC) return false;
  }
  return true;
}

}  // namespace

uint8_t char_class(char32_t code) {
  static const std::array<uint8_t, kTableEnd>& table = class_table();
  return code < kTableEnd ? table[code] : compute_class(code);
}

std::string_view normal_form(std::string_view text, NormalForm form, std::string& buffer) {
  if (form == NormalForm::nfc && all_below_0300(text)) return text;
  int options = UTF8PROC_STABLE;
  options |= form == NormalForm::nfc || form == NormalForm::nfkc ? UTF8PROC_COMPOSE : UTF8PROC_DECOMPOSE;
  if (form == NormalForm::nfkc || form == NormalForm::nfkd) options |= UTF8PROC_COMPAT;
  utf8proc_uint8_t* result = nullptr;
  const utf8proc_ssize_t length =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()), static_cast<utf8proc_ssize_t>(text.size()),
                   &result, static_cast<utf8proc_option_t>(options));
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(result, &std::free);
  if (length < 0) throw Error("Unicode normalisation", utf8proc_errmsg(length));
  buffer.assign(reinterpret_cast<const char*>(result), static_cast<size_t>(length));
  return buffer;
}

std::string lowercase(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const Utf8Step step = utf8_at(text, at);
    if (step.code == 0x130) {  // the one character whose full lower case is longer
      out += "i\xCC\x87";
    } else {
      append_utf8(out, static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(step.code))));
    }
    at += step.length;
  }
  return out;
}

char32_t uppercase(char32_t code) {
  return static_cast<char32_t>(utf8proc_toupper(static_cast<utf8proc_int32_t>(code)));
}

bool is_decimal_digit(char32_t code) {
  return utf8proc_category(static_cast<utf8proc_int32_t>(code)) == UTF8PROC_CATEGORY_ND;
}

bool is_word_char(char32_t code) {
  if (char_class(code) & (kLetter | kMark | kWordExtra)) return true;
  const auto category = utf8proc_category(static_cast<utf8proc_int32_t>(code));
  const bool circled_letter = code >= 0x24B6 && code <= 0x24E9;  // symbols that are alphabetic
  return category == UTF8PROC_CATEGORY_ND || category == UTF8PROC_CATEGORY_NL || circled_letter;
}

}  // namespace posttrain

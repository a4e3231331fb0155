// Text that came from a model or a recipe, made harmless for a page.
#pragma once

#include <string>
#include <string_view>

namespace posttrain::report {

// For element content (not attributes). Control and bidirectional-override characters and invalid UTF-8 are shown
// as codes ("\x1b", "U+202E"); tab and line break stay.
std::string escape_html(std::string_view text);

// The same without markup, for attributes and pictures: such characters become U+FFFD.
std::string escape_plain(std::string_view text);

// A completion with its thinking, its answer and its special tokens marked, clipped after `limit` bytes.
std::string completion_html(std::string_view text, size_t limit);

// 'sha256-<base64>' for a Content-Security-Policy, from the hexadecimal digest.
std::string csp_hash(std::string_view sha256_hex);

}  // namespace posttrain::report

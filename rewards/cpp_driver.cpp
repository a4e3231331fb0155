#include "rewards/cpp_driver.h"

#include <algorithm>
#include <charconv>
#include <cstdio>

#include "base/error.h"
#include "base/letters.h"

namespace posttrain::rewards {
namespace {

using Kind = PlainValue::Kind;

struct Type {
  std::string base;  // bool, int, long long, double, string
  int vectors = 0;   // how many std::vector<> round it
};

[[noreturn]] void unknown(const std::string& spelled) {
  throw Error("code task", "params", "bool, int, long long, double, std::string or std::vector of these", spelled);
}

Type parse_type(const std::string& spelled) {
  std::string text;
  for (const char c : spelled) {
    if (c != ' ' || (!text.empty() && text.back() != ' ' && text.back() != '<')) text += c;
  }
  if (text.starts_with("const ")) text.erase(0, 6);
  while (!text.empty() && (text.back() == ' ' || text.back() == '&')) text.pop_back();
  Type type;
  static const std::string kVector = "std::vector<";
  while (text.starts_with(kVector) && text.ends_with('>')) {
    text = text.substr(kVector.size(), text.size() - kVector.size() - 1);
    while (!text.empty() && text.back() == ' ') text.pop_back();
    ++type.vectors;
  }
  if (text == "std::string") text = "string";
  if (text != "bool" && text != "int" && text != "long long" && text != "double" && text != "string") unknown(spelled);
  type.base = text;
  return type;
}

std::string spelled(const Type& type) {
  std::string text = type.base == "string" ? "std::string" : type.base;
  for (int i = 0; i < type.vectors; ++i) text = "std::vector<" + text + ">";
  return text;
}

void encode(const Type& type, const PlainValue& value, std::string& out) {
  const auto mismatch = [&] { throw Error("code task", "args", spelled(type), to_json(value).substr(0, 80)); };
  if (type.vectors > 0) {
    if (value.kind != Kind::list) mismatch();
    out += std::to_string(value.items.size()) + ' ';
    const Type inner{type.base, type.vectors - 1};
    for (const PlainValue& item : value.items) encode(inner, item, out);
    return;
  }
  if (type.base == "string") {
    if (value.kind != Kind::text) mismatch();
    out += std::to_string(value.text.size()) + ' ' + value.text;
  } else if (type.base == "bool") {
    if (value.kind != Kind::boolean) mismatch();
    out += value.boolean ? "1" : "0";
  } else if (type.base == "double") {
    if (value.kind != Kind::number && value.kind != Kind::integer) mismatch();
    char text[40];
    std::snprintf(text, sizeof text, "%.17g", value.number);
    out += text;
  } else {
    long long number = 0;
    const char* last = value.text.data() + value.text.size();
    const auto [end, error] = std::from_chars(value.text.data(), last, number);
    const bool narrow = type.base == "int" && number != static_cast<int>(number);
    if (value.kind != Kind::integer || error != std::errc() || end != last || narrow) mismatch();
    out += value.text;
  }
  out += ' ';
}

constexpr const char* kHead = R"(#include <unistd.h>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>
)";

constexpr const char* kDriver = R"(
namespace posttrain_driver {
struct Input {
  std::string text;
  std::size_t at = 0;
  long long integer() { char* end; const long long v = std::strtoll(&text[at], &end, 10); at = end - text.data() + 1; return v; }
};
inline void take(Input& in, bool& v) { v = in.integer() != 0; }
inline void take(Input& in, int& v) { v = static_cast<int>(in.integer()); }
inline void take(Input& in, long long& v) { v = in.integer(); }
inline void take(Input& in, double& v) { char* end; v = std::strtod(&in.text[in.at], &end); in.at = end - in.text.data() + 1; }
inline void take(Input& in, std::string& v) { const auto n = in.integer(); v = in.text.substr(in.at, n); in.at += n + 1; }
template <class T> void take(Input& in, std::vector<T>& v) {
  const auto n = in.integer();
  for (long long i = 0; i < n; ++i) { T item{}; take(in, item); v.push_back(item); }
}
inline void give(std::string& out, bool v) { out += v ? "true" : "false"; }
inline void give(std::string& out, int v) { out += std::to_string(v); }
inline void give(std::string& out, long long v) { out += std::to_string(v); }
inline void give(std::string& out, double v) {
  char text[40];
  if (v != v) { out += "NaN"; return; }
  if (v - v != 0) { out += v < 0 ? "-Infinity" : "Infinity"; return; }
  std::snprintf(text, sizeof text, "%.17e", v);
  out += text;
}
inline void give(std::string& out, const std::string& v) {
  out += '"';
  for (const char c : v) {
    char text[8];
    if (c == '"' || c == '\\') { out += '\\'; out += c; }
    else if (static_cast<unsigned char>(c) < 32) { std::snprintf(text, sizeof text, "\\u%04x", c); out += text; }
    else out += c;
  }
  out += '"';
}
template <class T> void give(std::string& out, const std::vector<T>& v) {
  out += '[';
  for (std::size_t i = 0; i < v.size(); ++i) { if (i) out += ','; give(out, static_cast<T>(v[i])); }
  out += ']';
}
inline Input input() {
  Input in;
  char buffer[65536];
  for (ssize_t n; (n = read(4, buffer, sizeof buffer)) > 0;) in.text.append(buffer, n);
  close(4);
  return in;
}
[[noreturn]] inline void send(const std::string& value) {
  const std::string record = std::to_string(value.size() + 1) + "\nV" + value + "\n";
  for (std::size_t at = 0; at < record.size();) {
    const ssize_t n = write(3, record.data() + at, record.size() - at);
    if (n <= 0) break;
    at += n;
  }
  _exit(0);
}
}  // namespace posttrain_driver
int main() {
  using namespace posttrain_driver;
  Input in = input();
  std::string out;
)";

bool is_identifier(const std::string& name) {
  return !name.empty() && !is_digit(name[0]) &&
         std::ranges::all_of(name, [](char c) { return c == '_' || is_letter_or_digit(c); });
}

}  // namespace

std::string driver_source(const std::string& entry, const std::vector<std::string>& params,
                          const std::string& returns) {
  if (!is_identifier(entry)) throw Error("code task", "entry", "a function name", entry);
  parse_type(returns);
  std::string declared, read, passed;
  for (size_t i = 0; i < params.size(); ++i) {
    const std::string name = "a" + std::to_string(i);
    declared += (i > 0 ? ", " : "") + params[i];
    read += "  " + spelled(parse_type(params[i])) + " " + name + "{};\n  take(in, " + name + ");\n";
    passed += (i > 0 ? ", " : "") + name;
  }
  return std::string(kHead) + returns + " " + entry + "(" + declared + ");\n" + kDriver + read +
         "  give(out, ::" + entry + "(" + passed + "));\n  send(out);\n}\n";
}

std::string encode_arguments(const std::vector<std::string>& params, const PlainValue& arguments) {
  if (arguments.kind != Kind::list || arguments.items.size() != params.size()) {
    throw Error("code task", "args", std::to_string(params.size()) + " values", to_json(arguments).substr(0, 80));
  }
  std::string out;
  for (size_t i = 0; i < params.size(); ++i) encode(parse_type(params[i]), arguments.items[i], out);
  return out;
}

}  // namespace posttrain::rewards

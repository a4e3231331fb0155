#include "cli/judge/judge_suite.h"

#include <sys/random.h>

#include <algorithm>
#include <cstdlib>

#include "base/error.h"
#include "base/file.h"

namespace posttrain::cli {
namespace {

using rewards::PlainValue;
using Kind = PlainValue::Kind;

std::string fresh_nonce() {
  unsigned char bytes[16];
  if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes) throw Failure("judge", "no random numbers");
  std::string text;
  for (const unsigned char byte : bytes) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

// Reads fields of one object with the place in the manifest for messages.
class Fields {
 public:
  Fields(const PlainValue& value, std::string where, const std::string& nonce)
      : value_(value), where_(std::move(where)), nonce_(nonce) {
    if (value.kind != Kind::dict) throw Error(where_, "", "an object", to_json(value).substr(0, 40));
  }
  const PlainValue* find(const char* name, Kind kind, bool required) const {
    const PlainValue* field = value_.find(name);
    if (field == nullptr && required) throw Error(where_, name, "a value", "none");
    const bool number = kind == Kind::number && field != nullptr && field->kind == Kind::integer;
    if (field != nullptr && field->kind != kind && !number) {
      throw Error(where_, name, "another type", to_json(*field).substr(0, 40));
    }
    return field;
  }
  std::string text(const char* name, bool required = true) const {
    const PlainValue* field = find(name, Kind::text, required);
    std::string text = field == nullptr ? "" : field->text;
    for (size_t at; (at = text.find("{NONCE}")) != std::string::npos;) text.replace(at, 7, nonce_);
    return text;
  }
  double number(const char* name, double otherwise) const {
    const PlainValue* field = find(name, Kind::number, false);
    return field == nullptr ? otherwise : field->number;
  }
  int64_t integer(const char* name, int64_t otherwise) const {
    return static_cast<int64_t>(number(name, static_cast<double>(otherwise)));
  }
  unsigned mode(const char* name) const { return static_cast<unsigned>(std::strtoul(text(name).c_str(), nullptr, 8)); }
  std::vector<std::string> texts(const char* name) const {
    std::vector<std::string> list;
    const PlainValue* field = find(name, Kind::list, false);
    for (const PlainValue& item : field == nullptr ? std::vector<PlainValue>{} : field->items)
      list.push_back(item.text);
    return list;
  }
  Fields inner(const char* name) const { return {*find(name, Kind::dict, true), where_ + "." + name, nonce_}; }
  PlainValue any(const char* name) const {
    const PlainValue* field = value_.find(name);
    return field == nullptr ? PlainValue{} : *field;
  }
  bool has(const char* name) const { return value_.find(name) != nullptr; }
  std::vector<Fields> list(const char* name) const {
    std::vector<Fields> all;
    const PlainValue* field = find(name, Kind::list, false);
    if (field == nullptr) return all;
    for (const PlainValue& item : field->items) {
      all.emplace_back(item, where_ + "." + name + "[" + std::to_string(all.size()) + "]", nonce_);
    }
    return all;
  }

 private:
  const PlainValue& value_;
  std::string where_;
  const std::string& nonce_;
};

void read_limits(const Fields& fields, rewards::CodeTask& task) {
  sandbox::Limits& run = task.limits;
  run.cpu_s = fields.number("cpu_s", run.cpu_s);
  run.wall_s = fields.number("wall_s", run.wall_s);
  const auto take = [&](const char* name, int64_t& value) { value = fields.integer(name, value); };
  take("memory_mib", run.memory_mib);
  take("stack_mib", run.stack_mib);
  take("stdout_kib", run.stdout_kib);
  take("stderr_kib", run.stderr_kib);
  take("pids", run.pids);
  take("disk_mib", run.disk_mib);
  take("inodes", run.inodes);
  task.compile.wall_s = fields.number("compile_wall_s", task.compile.wall_s);
  take("compile_memory_mib", task.compile.memory_mib);
  take("compile_disk_mib", task.compile.disk_mib);
  take("compile_output_kib", task.compile.output_kib);
}

rewards::CodeTest read_test(const Fields& fields) {
  rewards::CodeTest test;
  if (fields.has("args")) {
    test.arguments = *fields.find("args", Kind::list, true);
    test.result = fields.any("expect");
    return test;
  }
  test.input = fields.text("stdin", false);
  if (fields.has("stdin_repeat")) {
    const Fields repeat = fields.inner("stdin_repeat");
    const std::string text = repeat.text("text");
    for (int64_t i = repeat.integer("times", 0); i > 0; --i) test.input += text;
  }
  test.expected = fields.text("expected_stdout", false);
  if (fields.has("expected_stdout_seq")) {
    const Fields range = fields.inner("expected_stdout_seq");
    for (int64_t i = range.integer("from", 0); i <= range.integer("to", -1); ++i)
      test.expected += std::to_string(i) + "\n";
  }
  return test;
}

SuiteCase read_case(const Fields& fields, const std::filesystem::path& folder, const rewards::CodeTask& defaults) {
  SuiteCase one;
  one.id = fields.text("id");
  one.honest = fields.text("kind", false) == "benign";
  one.source = read_file(folder / fields.text("file"));
  one.task = defaults;
  const std::string language = fields.text("lang");
  if (language != "cpp" && language != "py") throw Error(one.id, "lang", "cpp or py", language);
  one.task.language = language == "cpp" ? rewards::Language::cpp : rewards::Language::python;
  if (fields.text("mode") == "func") one.task.entry = fields.text("entry");
  one.task.params = fields.texts("params");
  one.task.returns = fields.text("returns", false);
  one.expect = fields.texts("expect");
  one.invariants = fields.texts("invariants");
  one.repeat = fields.integer("repeat", 1);
  if (fields.has("limits")) read_limits(fields.inner("limits"), one.task);
  for (const Fields& test : fields.list("tests")) one.task.tests.push_back(read_test(test));
  return one;
}

SuiteFile read_file_entry(const Fields& fields) {
  return {fields.text("path"), fields.text("content"), fields.mode("mode")};
}

SuiteSetup read_setup(const Fields& fields, const std::string& nonce) {
  SuiteSetup setup;
  setup.nonce = nonce;
  for (const Fields& file : fields.list("files")) setup.files.push_back(read_file_entry(file));
  if (fields.has("env")) {
    for (const auto& [name, value] : fields.find("env", Kind::dict, true)->fields) {
      setup.environment.emplace_back(name, fields.inner("env").text(name.c_str()));
    }
  }
  if (fields.has("inherited_fds")) {
    setup.inherited_path = fields.inner("inherited_fds").text("path");
    setup.inherited_also = static_cast<int>(fields.inner("inherited_fds").integer("also", -1));
  }
  for (const Fields& listener : fields.list("listeners")) {
    setup.listeners.push_back({listener.text("kind"), listener.text("at")});
  }
  if (fields.has("shared_memory")) {
    const Fields shared = fields.inner("shared_memory");
    if (shared.has("posix")) setup.shared_file = read_file_entry(shared.inner("posix"));
    if (shared.has("sysv")) {
      const Fields segment = shared.inner("sysv");
      setup.sysv_key = static_cast<int>(std::strtoul(segment.text("key").c_str(), nullptr, 0));
      setup.sysv_bytes = static_cast<size_t>(segment.integer("bytes", 4096));
      setup.sysv_mode = segment.mode("mode");
      setup.sysv_content = segment.text("content");
    }
  }
  if (fields.has("victim")) setup.victim_name = fields.inner("victim").text("comm");
  setup.must_not_exist = fields.texts("must_not_exist");
  setup.secret_pattern = fields.text("shadow_regex", false);
  return setup;
}

}  // namespace

bool SuiteCase::must(std::string_view invariant) const {
  return std::ranges::find(invariants, invariant) != invariants.end();
}

const SuiteCase* Suite::find(const std::string& id) const {
  const auto found = std::ranges::find_if(cases, [&](const SuiteCase& one) { return one.id == id; });
  return found == cases.end() ? nullptr : &*found;
}

Suite read_suite(const std::filesystem::path& manifest) {
  const std::string nonce = fresh_nonce();
  const PlainValue root = rewards::parse_value(read_file(manifest), manifest.string());
  const Fields fields(root, manifest.string(), nonce);
  if (fields.integer("format", 0) != 1) throw Error(manifest.string(), "format", "1", "another");
  Suite suite;
  rewards::CodeTask defaults;
  if (fields.has("default_limits")) read_limits(fields.inner("default_limits"), defaults);
  if (fields.has("setup")) suite.setup = read_setup(fields.inner("setup"), nonce);
  for (const Fields& one : fields.list("cases"))
    suite.cases.push_back(read_case(one, manifest.parent_path(), defaults));
  if (fields.has("next_benign")) {
    suite.next_benign_cpp = fields.inner("next_benign").text("cpp", false);
    suite.next_benign_python = fields.inner("next_benign").text("py", false);
  }
  return suite;
}

}  // namespace posttrain::cli

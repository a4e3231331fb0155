// The manifest of an attack suite: what `posttrain judge` reads. The suite's own README has the contract.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "rewards/code_judge.h"

namespace posttrain::cli {

struct SuiteCase {
  std::string id, source;
  rewards::CodeTask task;
  std::vector<std::string> expect, invariants;
  int64_t repeat = 1;
  bool honest = false;
  bool must(std::string_view invariant) const;
};

struct SuiteFile {
  std::string path, content;
  unsigned mode = 0644;
};

struct SuiteListener {
  std::string kind, at;  // tcp, udp: host:port; abstract: name; path: file
};

struct SuiteSetup {
  std::string nonce;
  std::vector<SuiteFile> files;
  std::vector<std::pair<std::string, std::string>> environment;
  std::string inherited_path;
  int inherited_also = -1;
  std::vector<SuiteListener> listeners;
  SuiteFile shared_file;  // path empty: none
  int sysv_key = 0;       // 0: none
  size_t sysv_bytes = 0;
  unsigned sysv_mode = 0600;
  std::string sysv_content, victim_name;
  std::vector<std::string> must_not_exist;
  std::string secret_pattern;  // a regular expression
};

struct Suite {
  SuiteSetup setup;
  std::vector<SuiteCase> cases;
  std::string next_benign_cpp, next_benign_python;
  const SuiteCase* find(const std::string& id) const;
};

// Throws Error when the manifest or a file beside it is unusable. A fresh nonce replaces {NONCE} everywhere.
Suite read_suite(const std::filesystem::path& manifest);

}  // namespace posttrain::cli

// C++ from source to a program, in a box; every distinct source once.
#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "sandbox/sandbox.h"

namespace posttrain::sandbox {

struct Compiled {
  std::string error;            // the sandbox's own failure; not remembered
  std::shared_ptr<Fd> program;  // null: a compile error
  std::string diagnostics;      // what the compiler wrote, as bytes, up to 1 MiB
  double cpu_ms = 0, wall_ms = 0;
  int64_t memory_kib = 0;
  bool cached = false;
  bool limited = false;  // a limit ended the compiler; not remembered, a busy machine may be to blame
};

// Thread-safe. Programs are sealed memory files, shared by all runs of the same source.
class Compiler {
 public:
  // `command` is the compiler by its path in the box. Keeps the last `keep` results.
  explicit Compiler(Sandbox& sandbox, std::string command = "/usr/bin/g++", size_t keep = 256);

  // C++20 with GNU extensions, -O2 -pthread; several sources make one program. A source that includes <bits/stdc++.h>
  // uses a precompiled header, made at first need.
  Compiled compile(const std::vector<std::pair<std::string, std::string>>& sources, const CompileLimits& limits);

 private:
  struct Entry {
    std::string key;
    Compiled result;
  };
  bool header_ready();
  Compiled compile_now(const std::vector<std::pair<std::string, std::string>>& sources, const CompileLimits& limits);

  Sandbox& sandbox_;
  const std::string command_;
  const size_t keep_;
  std::mutex mutex_, header_mutex_;
  std::list<Entry> recent_;  // newest first; looked up by hash, compared by content
  std::unordered_multimap<size_t, std::list<Entry>::iterator> index_;
  uint64_t header_generation_ = 0;
};

}  // namespace posttrain::sandbox

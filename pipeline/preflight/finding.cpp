#include "pipeline/preflight/finding.h"

namespace posttrain::pipeline {
namespace {

// The path without its last step; "" at the top.
std::string path_around(const std::string& path) {
  const size_t at = path.find_last_of(".[");
  return at == std::string::npos ? "" : path.substr(0, at);
}

}  // namespace

std::string Finding::text() const {
  return (severity == Severity::warning ? "warning: " : "") + problem.text();
}

void place_findings(std::vector<Finding>& findings, const Node& source) {
  for (Finding& finding : findings) {
    for (std::string path = finding.problem.path; !path.empty(); path = path_around(path)) {
      const Node* node = find_path(source, path);
      if (node == nullptr) continue;
      finding.problem.where = node->place;
      break;
    }
  }
}

void throw_errors(const std::vector<Finding>& findings, bool strict) {
  std::vector<Problem> problems;
  for (const Finding& finding : findings) {
    if (strict || finding.severity == Severity::error) problems.push_back(finding.problem);
  }
  if (!problems.empty()) throw Problems(std::move(problems));
}

}  // namespace posttrain::pipeline

#include "pipeline/provenance.h"

#include <map>

#include "base/digest.h"
#include "base/error.h"

namespace posttrain::pipeline {
namespace {

using Digests = std::map<std::string, std::string>;  // by path

void add_files(const std::filesystem::path& at, Digests& out) {
  std::error_code error;
  if (std::filesystem::is_regular_file(at, error)) {
    out[at.string()] = digest_of_file(at);
  } else if (std::filesystem::is_directory(at, error)) {
    for (const auto& entry : std::filesystem::directory_iterator(at)) {
      const bool hidden = entry.path().filename().string().starts_with(".");
      if (!hidden && entry.is_regular_file()) out[entry.path().string()] = digest_of_file(entry.path());
    }
  }
}

std::vector<store::FileDigest> as_rows(const Digests& digests) {
  std::vector<store::FileDigest> rows;
  for (const auto& [path, digest] : digests) rows.push_back({path, digest});
  return rows;
}

// One line for each file that differs.
std::string differences(const std::vector<store::FileDigest>& kept, const Digests& now) {
  std::string lines;
  for (const auto& [path, digest] : kept) {
    const auto found = now.find(path);
    if (found != now.end() && found->second == digest) continue;
    lines += (lines.empty() ? "" : "\n") + path + ": expected " + digest + " as in the run, got " +
             (found == now.end() ? "no such file" : found->second);
  }
  return lines;
}

// By paths within the run.
Digests within(const RunFolder& folder, const Digests& found) {
  Digests relative;
  for (const auto& [path, digest] : found)
    relative[std::filesystem::path(path).lexically_relative(folder.root).string()] = digest;
  return relative;
}

// What the run says of the model in `model`; empty when it is not one of its own.
std::vector<store::FileDigest> kept_of_model(const RunFolder& folder, const std::filesystem::path& model) {
  try {
    const store::Store store(folder.database(), store::Mode::read_only);
    if (model == folder.final_model()) return store.files(store::final_files);
    for (const auto& stage : store.stages()) {
      if (model == folder.model_of(stage.name)) return store.files(stage.index);
    }
  } catch (const std::exception&) {
    // not a run of this version: it has no say
  }
  return {};
}

}  // namespace

std::vector<store::FileDigest> digest_inputs(const Recipe& recipe) {
  Digests digests;
  for (const auto& [key, path] : paths_in(slot(const_cast<Recipe&>(recipe)))) {
    add_files(path, digests);
    const std::filesystem::path file = path;
    if (file.filename() != "tokenizer.json") continue;
    for (const char* beside : {"tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja"})
      add_files(file.parent_path() / beside, digests);
  }
  return as_rows(digests);
}

std::vector<store::FileDigest> digest_results(const RunFolder& folder, const std::string& stage) {
  Digests found;
  for (const auto& at :
       {folder.model_of(stage), folder.adapter_of(stage), folder.data_of(stage), folder.pairs_of(stage)})
    add_files(at, found);
  return as_rows(within(folder, found));
}

void check_inputs_unchanged(store::Store& store, const Recipe& recipe, Changed changed, Progress& progress) {
  const auto kept = store.files(store::recipe_files), rows = digest_inputs(recipe);
  Digests now;
  for (const auto& [path, digest] : rows) now[path] = digest;
  std::vector<store::FileDigest> named;  // a recipe that --from changed may no longer name some
  for (const auto& row : kept) {
    std::error_code ignored;
    if (now.contains(row.path) || !std::filesystem::exists(row.path, ignored)) named.push_back(row);
  }
  const std::string changes = differences(named, now);
  if (!changes.empty() && changed == Changed::refused)
    throw Error("", changes + "\nThe run was begun with other files; --allow-changed-data goes on with these.");
  if (!changes.empty()) progress.note("goes on with changed files: " + changes);
  store.keep_files(store::recipe_files, rows);
}

void check_results_unchanged(store::Store& store, const RunFolder& folder, int end, Changed changed,
                             Progress& progress) {
  for (const auto& stage : store.stages()) {
    if (stage.index >= end || stage.status != "done") continue;
    const auto kept = store.files(stage.index), rows = digest_results(folder, stage.name);
    Digests now;
    for (const auto& [path, digest] : rows) now[path] = digest;
    const std::string changes = differences(kept, now);
    if (changes.empty()) continue;
    if (changed == Changed::refused) {
      throw Error("", changes + "\nStage " + stage.name + " left other files; posttrain run --from " + stage.name +
                          " --out " + folder.root.string() + " makes them again, --allow-changed-data takes these.");
    }
    progress.note("goes on with changed files: " + changes);
    store.keep_files(stage.index, rows);
  }
}

void keep_final_digests(store::Store& store, const RunFolder& folder) {
  Digests found;
  add_files(folder.final_model(), found);
  store.keep_files(store::final_files, as_rows(within(folder, found)));
}

void check_model_of_run(const std::filesystem::path& model) {
  std::error_code ignored;
  const auto at = std::filesystem::weakly_canonical(model, ignored);
  const auto run = at.filename() == "final" ? at.parent_path() : at.parent_path().parent_path().parent_path();
  const RunFolder folder{run};
  if (!std::filesystem::is_directory(at, ignored) || !std::filesystem::exists(folder.database(), ignored)) return;
  std::vector<store::FileDigest> weights;  // a tokenizer or a template may be given to it later
  for (const auto& row : kept_of_model(folder, at)) {
    const std::filesystem::path file = folder.root / row.path;
    if (file.parent_path() == at && file.extension() == ".safetensors") weights.push_back(row);
  }
  Digests now;
  for (const auto& row : weights) {
    if (std::filesystem::exists(folder.root / row.path)) now[row.path] = digest_of_file(folder.root / row.path);
  }
  const std::string changes = differences(weights, now);
  if (!changes.empty()) {
    throw Error("",
                changes + "\nThe weights in " + model.string() +
                    " are not those that the run wrote; --from makes them again, a copy elsewhere is taken as it is.");
  }
}

}  // namespace posttrain::pipeline

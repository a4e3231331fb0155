#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <fstream>

#include "base/error.h"
#include "base/temporary_folder.h"
#include "tests/error_of.h"
#include "tiny.h"

namespace posttrain::model {
namespace {

TEST(Save, WhatIsSavedLoadsTheSameInOneFileAndInShards) {
  const auto backend = nn::make_cpu_backend();
  for (const Arch& arch : tiny_families()) {
    for (const uint64_t shard : {uint64_t{1} << 40, uint64_t{40000}}) {
      const TemporaryFolder folder;
      const auto model = tiny_model(*backend, arch);
      model->save(folder.path() / "m", {.shard_bytes = shard});
      const auto again = Transformer::load(*backend, folder.path() / "m", DType::f32, nn::Use::inference);
      EXPECT_TRUE(again->arch() == arch) << arch.family;
      EXPECT_EQ(all_weights(*again), all_weights(*model));
    }
  }
}

TEST(Save, SixteenBitWeightsComeBackAsTheyWere) {
  const auto backend = nn::make_cpu_backend();
  const TemporaryFolder folder;
  const Arch arch = tiny_arch();
  const auto model = tiny_model(*backend, arch);
  model->save(folder.path() / "half", {.dtype = DType::bf16});
  const auto half = Transformer::load(*backend, folder.path() / "half", DType::bf16, nn::Use::inference);
  half->save(folder.path() / "again", {.dtype = DType::bf16});
  const auto again = Transformer::load(*backend, folder.path() / "again", DType::f32, nn::Use::training);
  EXPECT_EQ(all_weights(*again), all_weights(*half));
}

TEST(Save, ReplacesAnOlderModelAndAddsTheCallersFiles) {
  const auto backend = nn::make_cpu_backend();
  const TemporaryFolder folder;
  const auto target = folder.path() / "final";
  tiny_model(*backend, tiny_arch(), 1)->save(target, {});
  const auto second = tiny_model(*backend, tiny_arch(), 2);
  second->save(target, {.add_files = [](const auto& dir) { std::ofstream(dir / "tokenizer.json") << "{}"; }});
  EXPECT_TRUE(std::filesystem::exists(target / "tokenizer.json"));
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "final.tmp"));
  EXPECT_EQ(all_weights(*Transformer::load(*backend, target, DType::f32, nn::Use::inference)), all_weights(*second));
}

TEST(Save, AFullDiskLeavesTheOldModelAndNoHalfOfTheNewOne) {
  const auto backend = nn::make_cpu_backend();
  const TemporaryFolder folder;
  const auto target = folder.path() / "final";
  const auto first = tiny_model(*backend, tiny_arch(), 1);
  first->save(target, {});
  struct rlimit before {};
  getrlimit(RLIMIT_FSIZE, &before);
  const auto ignore = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{4096, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  EXPECT_THROW(tiny_model(*backend, tiny_arch(), 2)->save(target, {}), Failure);
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, ignore);
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "final.tmp"));
  EXPECT_EQ(all_weights(*Transformer::load(*backend, target, DType::f32, nn::Use::inference)), all_weights(*first));
}

TEST(Load, MissingExtraAndMisshapenTensorsAreNamed) {
  const auto backend = nn::make_cpu_backend();
  const TemporaryFolder folder;
  const auto error = [&](const Arch& saved, const Arch& claimed) {
    tiny_model(*backend, saved)->save(folder.path() / "m", {});
    std::ofstream(folder.path() / "m" / "config.json") << write_arch(claimed, DType::f32);
    return error_of([&] { Transformer::load(*backend, folder.path() / "m", DType::f32, nn::Use::inference); });
  };
  Arch wide = tiny_arch(), deep = tiny_arch(), biased = tiny_arch(), absurd = tiny_arch();
  wide.mlp = 64;
  deep.layers = 3;
  biased.qkv_bias = true;
  absurd.layers = 4000;
  EXPECT_NE(error(tiny_arch(), wide).find("gate_proj.weight: expected [64, 32], got [48, 32]"), std::string::npos);
  EXPECT_NE(error(tiny_arch(), deep).find("model.layers.2."), std::string::npos);
  EXPECT_NE(error(biased, tiny_arch()).find("q_proj.bias"), std::string::npos);
  EXPECT_NE(error(tiny_arch(), absurd).find("num_hidden_layers"), std::string::npos);
}

}  // namespace
}  // namespace posttrain::model

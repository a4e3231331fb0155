#include "model/arch.h"

#include <gtest/gtest.h>

#include <string>

#include "base/error.h"
#include "tests/error_of.h"

namespace posttrain::model {
namespace {

std::string llama(const std::string& more) {
  return R"({"model_type": "llama", "vocab_size": 64, "hidden_size": 48, "intermediate_size": 128,
             "num_hidden_layers": 3, "num_attention_heads": 4, "rms_norm_eps": 1e-5)" +
         more + "}";
}

std::string config_error(const std::string& config) {
  return error_of([&] { parse_arch(config, "config.json"); });
}

TEST(Arch, MissingFieldsTakeTheDefaultsOfTransformers) {
  const Arch a = parse_arch(llama(""), "config.json");
  EXPECT_EQ(a.kv_heads, 4);
  EXPECT_EQ(a.head_dim, 12);
  EXPECT_EQ(a.rotary_dim, 12);
  EXPECT_EQ(a.rope_theta, 10000);
  EXPECT_FALSE(a.tied_head);
  EXPECT_TRUE(a.windowed.empty());
}

TEST(Arch, BothStylesOfRopeMeanTheSame) {
  const Arch four = parse_arch(llama(R"(, "rope_theta": 500000.0, "rope_scaling": {"rope_type": "llama3", "factor": 8,
      "low_freq_factor": 1, "high_freq_factor": 4, "original_max_position_embeddings": 8192})"),
                               "4");
  const Arch five = parse_arch(llama(R"(, "rope_parameters": {"rope_theta": 500000.0, "rope_type": "llama3",
      "factor": 8, "low_freq_factor": 1, "high_freq_factor": 4, "original_max_position_embeddings": 8192})"),
                               "5");
  EXPECT_TRUE(four == five);
  EXPECT_EQ(four.rope.kind, RopeKind::llama3);
  EXPECT_EQ(parse_arch(llama(R"(, "rope_scaling": {"type": "linear", "factor": 2})"), "old").rope.kind,
            RopeKind::linear);
}

TEST(Arch, QwenWindowsFollowLayerTypesOrMaxWindowLayers) {
  const std::string base = R"({"model_type": "qwen2", "vocab_size": 8, "hidden_size": 8, "intermediate_size": 8,
      "num_hidden_layers": 3, "num_attention_heads": 2, "sliding_window": 6)";
  EXPECT_TRUE(parse_arch(base + "}", "").windowed.empty());
  const Arch by_number = parse_arch(base + R"(, "use_sliding_window": true, "max_window_layers": 1})", "");
  EXPECT_EQ(by_number.windowed, (std::vector<bool>{false, true, true}));
  EXPECT_EQ(by_number.attention(0).window, 0);
  EXPECT_EQ(by_number.attention(1).window, 6);
  const Arch by_name = parse_arch(base + R"(, "use_sliding_window": true, "layer_types": ["sliding_attention",
      "full_attention", "full_attention"]})",
                                  "");
  EXPECT_EQ(by_name.windowed, (std::vector<bool>{true, false, false}));
}

TEST(Arch, WhatIsWrittenReadsBackTheSame) {
  for (const char* name : {"deepseek_v3", "gemma2", "llama31_rope", "llama_tied", "phi3", "qwen2_swa", "qwen3",
                           "qwen3_moe", "smollm2_gqa9"}) {
    const auto dir = std::filesystem::path(POSTTRAIN_SOURCE_DIR "/../shared/fixtures/models") / name;
    if (!std::filesystem::exists(dir)) GTEST_SKIP() << "no ../shared";
    const Arch a = read_arch(dir);
    EXPECT_TRUE(parse_arch(write_arch(a, DType::f32), name) == a) << write_arch(a, DType::f32);
  }
}

TEST(Arch, BadConfigsAreOneClearError) {
  EXPECT_EQ(config_error(R"({"model_type": "mamba"})").substr(0, 54),
            "config.json: model_type: expected one of llama, mistra");
  EXPECT_NE(config_error(R"({"model_type": "llama"})").find("vocab_size"), std::string::npos);
  EXPECT_NE(config_error("[1]").find("an object"), std::string::npos);
  EXPECT_NE(config_error("{").find("not valid JSON"), std::string::npos);
  EXPECT_NE(config_error(llama(R"(, "num_key_value_heads": 3)")).find("a divisor"), std::string::npos);
  EXPECT_NE(config_error(llama(R"(, "head_dim": -1)")).find("head_dim"), std::string::npos);
  EXPECT_NE(config_error(llama(R"(, "head_dim": 1e300)")).find("head_dim"), std::string::npos);
  EXPECT_NE(config_error(llama(R"(, "hidden_act": "relu")")).find("relu"), std::string::npos);
  EXPECT_NE(config_error(llama(R"(, "rope_scaling": {"type": "longrope"})")).find("longrope"), std::string::npos);
  EXPECT_NE(config_error(llama(R"(, "rope_scaling": 3)")).find("an object"), std::string::npos);
  EXPECT_NE(config_error(llama(R"(, "quantization_config": {"bits": 4})")).find("quantization_config"),
            std::string::npos);
  EXPECT_NE(config_error(R"({"model_type": 3})").find("a string"), std::string::npos);
}

}  // namespace
}  // namespace posttrain::model

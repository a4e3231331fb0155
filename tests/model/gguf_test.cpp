#include "formats/gguf_tensors.h"

#include <gtest/gtest.h>

#include <cstring>

#include "base/error.h"
#include "base/file.h"
#include "base/half.h"
#include "base/json.h"
#include "base/temporary_folder.h"
#include "model/gguf_model.h"
#include "tests/error_of.h"
#include "tiny.h"

namespace posttrain::model {
namespace {

std::vector<float> widened(GgufType type, const std::vector<uint8_t>& bytes) {
  const GgufBlock block = gguf_block(type);
  EXPECT_EQ(static_cast<int64_t>(bytes.size()), block.bytes);
  std::vector<float> values(static_cast<size_t>(block.values));
  dequantize(type, reinterpret_cast<const std::byte*>(bytes.data()), values.size(), values.data());
  return values;
}

void put_half(std::vector<uint8_t>& bytes, float value) {
  const uint16_t bits = f32_to_f16(value);
  bytes.push_back(static_cast<uint8_t>(bits));
  bytes.push_back(static_cast<uint8_t>(bits >> 8));
}

TEST(GgufQuant, FourBitBlocksHoldTheLowNibblesFirst) {
  std::vector<uint8_t> q4_0, q4_1;
  put_half(q4_0, 0.5f);
  put_half(q4_1, 0.5f);
  put_half(q4_1, -1.0f);
  for (int j = 0; j < 16; ++j) {
    q4_0.push_back(static_cast<uint8_t>(j | (15 - j) << 4));
    q4_1.push_back(static_cast<uint8_t>(j | (15 - j) << 4));
  }
  const auto a = widened(GgufType::q4_0, q4_0), b = widened(GgufType::q4_1, q4_1);
  for (int j = 0; j < 16; ++j) {
    EXPECT_EQ(a[static_cast<size_t>(j)], 0.5f * static_cast<float>(j - 8));
    EXPECT_EQ(a[static_cast<size_t>(j) + 16], 0.5f * static_cast<float>(7 - j));
    EXPECT_EQ(b[static_cast<size_t>(j)], 0.5f * static_cast<float>(j) - 1);
  }
}

TEST(GgufQuant, FifthBitsComeFromTheirOwnWord) {
  std::vector<uint8_t> q5_0;
  put_half(q5_0, 1);
  for (const int byte : {1, 0, 2, 0}) q5_0.push_back(static_cast<uint8_t>(byte));  // values 0 and 17
  q5_0.resize(22, 0);
  const auto values = widened(GgufType::q5_0, q5_0);
  for (size_t i = 0; i < 32; ++i) EXPECT_EQ(values[i], i == 0 || i == 17 ? 0 : -16) << i;
}

TEST(GgufQuant, SixBitSuperBlocksTakeNibbleAndTwoHighBits) {
  std::vector<uint8_t> q6(210, 0);
  q6[0] = 0x21;    // values 0 (low nibble 1) and 64 (high nibble 2)
  q6[128] = 0x03;  // the high bits of value 0: 3
  for (size_t s = 192; s < 208; ++s) q6[s] = static_cast<uint8_t>(s - 191);
  const uint16_t one = f32_to_f16(1);
  std::memcpy(q6.data() + 208, &one, 2);
  const auto values = widened(GgufType::q6_k, q6);
  EXPECT_EQ(values[0], 1.0f * (1 + 48 - 32));
  EXPECT_EQ(values[64], 5.0f * (2 - 32));
  EXPECT_EQ(values[255], 16.0f * -32);
}

TEST(GgufQuant, EightBitsComeBackWithinHalfAStepAndExactlyTheSecondTime) {
  Rng rng({1, 2});
  std::vector<float> values(64), back(64), again(64);
  for (float& x : values) x = static_cast<float>(rng.normal());
  std::vector<std::byte> bytes(68), twice(68);
  quantize(GgufType::q8_0, values.data(), 64, bytes.data());
  dequantize(GgufType::q8_0, bytes.data(), 64, back.data());
  for (size_t i = 0; i < 64; ++i) EXPECT_NEAR(back[i], values[i], 0.02);
  quantize(GgufType::q8_0, back.data(), 64, twice.data());
  dequantize(GgufType::q8_0, twice.data(), 64, again.data());
  for (size_t i = 0; i < 64; ++i) EXPECT_NEAR(again[i], back[i], 2e-3);
}

TEST(Gguf, AModelSurvivesTheWayThereAndBack) {
  const auto backend = nn::make_cpu_backend();
  for (const Arch& arch : tiny_families()) {
    if (arch.window > 0 || arch.sandwich_norm || arch.fused_names || arch.moe.experts > 0) continue;
    const TemporaryFolder folder;
    const auto file = folder.path() / "m.gguf";
    const auto model = tiny_model(*backend, arch);
    save_gguf(*model, file, GgufType::f32, {{"tokenizer.ggml.tokens", GgufValue::of(std::vector<std::string>{"a"})}});
    const auto again = Transformer::load(*backend, file, DType::f32, nn::Use::inference);
    EXPECT_EQ(all_weights(*again), all_weights(*model)) << arch.family;
    const TrainBatch batch = pack(random_sequences(arch, 2, 5, 9));
    EXPECT_EQ(again->score(batch).logp, model->score(batch).logp) << arch.family;
    save_gguf(*model, file, GgufType::bf16, {});
    const auto half = Transformer::load(*backend, file, DType::bf16, nn::Use::inference);
    Transformer rounded(*backend, arch, DType::bf16, nn::Use::inference);
    rounded.copy_weights_from(*model);
    EXPECT_EQ(half->score(batch).logp, rounded.score(batch).logp) << arch.family;
  }
}

TEST(Gguf, TheQueryRowsOfLlamaAreReordered) {
  const std::vector<float> rows = {0, 1, 2, 3, 4, 5, 6, 7};  // one head of 8, one column
  EXPECT_EQ(hugging_face_to_gguf(rows, 1, 1), (std::vector<float>{0, 4, 1, 5, 2, 6, 3, 7}));
  EXPECT_EQ(gguf_to_hugging_face(hugging_face_to_gguf(rows, 2, 1), 2, 1), rows);
}

TEST(Gguf, LiesAreRefused) {
  const std::string good = read_file(POSTTRAIN_SOURCE_DIR "/tests/fuzz/seeds/gguf/small");
  const auto error = [](std::string bytes, size_t at, uint64_t value, size_t width) {
    std::memcpy(bytes.data() + at, &value, width);
    return error_of([&] { parse_gguf(std::as_bytes(std::span(bytes)), "x.gguf"); });
  };
  EXPECT_EQ(error(good, 4, 3, 4), "");
  EXPECT_NE(error(good, 0, 1, 4).find("magic"), std::string::npos);
  EXPECT_NE(error(good, 4, 1, 4).find("version"), std::string::npos);
  EXPECT_NE(error(good, 8, uint64_t{1} << 60, 8).find("tensor count"), std::string::npos);
  EXPECT_NE(error(good, 16, uint64_t{1} << 60, 8).find("metadata count"), std::string::npos);
  EXPECT_NE(error(good, 24, uint64_t{1} << 60, 8).find("metadata key"), std::string::npos);
  EXPECT_NE(error(good.substr(0, good.size() - 40), 4, 3, 4).find("data inside the file"), std::string::npos);
}

}  // namespace
}  // namespace posttrain::model

#include "formats/safetensors.h"

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <string>

#include "base/error.h"
#include "base/rng.h"
#include "base/temporary_folder.h"
#include "tests/error_of.h"

namespace posttrain {
namespace {

std::string file_of(const std::string& header, size_t data_bytes) {
  const uint64_t length = header.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  return bytes + header + std::string(data_bytes, '\1');
}

std::string safetensors_error(const std::string& bytes) {
  return error_of([&] { parse_safetensors(std::as_bytes(std::span(bytes)), "x.safetensors"); });
}

std::string tensor(const char* shape, const char* offsets, const char* dtype = "F32") {
  return std::string(R"({"dtype": ")") + dtype + R"(", "shape": )" + shape + R"(, "data_offsets": )" + offsets + "}";
}

TEST(Safetensors, ReadsShapesAndOffsets) {
  const std::string header = R"({"__metadata__": {"format": "pt"}, "b": )" + tensor("[2]", "[24, 32]") + R"(, "a": )" +
                             tensor("[2, 3]", "[0, 24]") + "}";
  const std::string bytes = file_of(header, 32);
  const auto entries = parse_safetensors(std::as_bytes(std::span(bytes)), "x");
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].name, "a");
  EXPECT_EQ(entries[0].shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(entries[1].begin, 8 + header.size() + 24);
}

TEST(Safetensors, LiesInTheHeaderAreRefused) {
  EXPECT_NE(safetensors_error("abc").find("at least 8 bytes"), std::string::npos);
  EXPECT_NE(safetensors_error(std::string(8, '\xff')).find("header length"), std::string::npos);
  EXPECT_NE(safetensors_error(file_of("{", 0)).find("not valid JSON"), std::string::npos);
  EXPECT_NE(safetensors_error(file_of("[]", 0)).find("an object"), std::string::npos);
  const auto one = [](const std::string& t) { return R"({"a": )" + t + "}"; };
  EXPECT_EQ(safetensors_error(file_of(one(tensor("[2]", "[0, 8]")), 8)), "");
  EXPECT_NE(safetensors_error(file_of(one(tensor("[2]", "[0, 8]")), 7)).find("file size"), std::string::npos);
  EXPECT_NE(safetensors_error(file_of(one(tensor("[2]", "[0, 8]")), 9)).find("file size"), std::string::npos);
  EXPECT_NE(safetensors_error(file_of(one(tensor("[2]", "[4, 12]")), 12)).find("to begin at"), std::string::npos);
  EXPECT_NE(safetensors_error(file_of(one(tensor("[3]", "[0, 8]")), 8)).find("as many bytes"), std::string::npos);
  EXPECT_NE(safetensors_error(file_of(one(tensor("[2]", "[8, 0]")), 8)).find("as many bytes"), std::string::npos);
  EXPECT_NE(safetensors_error(file_of(one(tensor("[2]", "[0, 8]", "F33")), 8)).find("a known dtype"),
            std::string::npos);
  EXPECT_NE(safetensors_error(file_of(one(tensor("[-2]", "[0, 8]")), 8)).find("a whole number"), std::string::npos);
  EXPECT_NE(safetensors_error(file_of(one(tensor("[4294967296, 4294967296, 4294967296]", "[0, 0]")), 0))
                .find("possible size"),
            std::string::npos);
  EXPECT_NE(safetensors_error(file_of(one(tensor("[2]", "[0, 18446744073709551615]")), 8)).find("as many bytes"),
            std::string::npos);
  EXPECT_NE(safetensors_error(file_of(one("3"), 0)).find("dtype, shape"), std::string::npos);
}

TEST(Safetensors, OverlapsAndDuplicatesAreRefused) {
  const std::string overlap = R"({"a": )" + tensor("[2]", "[0, 8]") + R"(, "b": )" + tensor("[2]", "[4, 12]") + "}";
  EXPECT_NE(safetensors_error(file_of(overlap, 12)).find("to begin at"), std::string::npos);
  const std::string twice = R"({"a": )" + tensor("[2]", "[0, 8]") + R"(, "a": )" + tensor("[2]", "[8, 16]") + "}";
  EXPECT_NE(safetensors_error(file_of(twice, 16)).find("twice"), std::string::npos);
}

TEST(Safetensors, WhatIsWrittenReadsBackInEveryDtypeAndInShards) {
  for (const DType dtype : {DType::f32, DType::bf16, DType::f16}) {
    for (const uint64_t shard : {uint64_t{1} << 30, uint64_t{40}}) {
      const TemporaryFolder folder;
      std::vector<TensorSource> tensors;
      for (int i = 0; i < 4; ++i) {
        tensors.push_back({"t" + std::to_string(i), {2, 3}, [i](float* to) {
                             for (int k = 0; k < 6; ++k) to[k] = static_cast<float>(i) + static_cast<float>(k) / 8;
                           }});
      }
      write_safetensors_model(folder.path(), tensors, dtype, shard);
      EXPECT_EQ(std::filesystem::exists(folder.path() / "model.safetensors.index.json"), shard == 40);
      const Safetensors file = Safetensors::open_model(folder.path());
      ASSERT_EQ(file.names().size(), 4u);
      EXPECT_EQ(file.dtype("t3"), dtype);
      EXPECT_EQ(file.floats("t3"), (std::vector<float>{3, 3.125f, 3.25f, 3.375f, 3.5f, 3.625f}));
    }
  }
}

TEST(Safetensors, MissingShardsAndStrayNamesAreErrors) {
  const TemporaryFolder folder;
  const auto index = folder.path() / "model.safetensors.index.json";
  const auto error = [&](const std::string& text) {
    std::ofstream(index) << text;
    return error_of([&] { Safetensors::open_model(folder.path()); });
  };
  EXPECT_NE(error(R"({"weight_map": {"a": "gone.safetensors"}})").find("gone.safetensors"), std::string::npos);
  EXPECT_NE(error(R"({"weight_map": {"a": "../../etc/passwd"}})").find("a file name"), std::string::npos);
  EXPECT_NE(error(R"({})").find("weight_map"), std::string::npos);
}

TEST(Safetensors, MutatedFilesNeverCrash) {
  const std::string good =
      file_of(R"({"a": )" + tensor("[2, 3]", "[0, 24]") + R"(, "bb": )" + tensor("[2]", "[24, 28]", "BF16") + "}", 28);
  Rng rng({1, hash_name("mutate")});
  int accepted = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string bytes = good;
    for (int64_t i = rng.integer(1, 4); i > 0; --i) {
      const auto at = static_cast<size_t>(rng.integer(0, static_cast<int64_t>(bytes.size()) - 1));
      bytes[at] = rng.chance(0.5) ? static_cast<char>(rng.integer(0, 255)) : "0129{}[]\",:F"[rng.integer(0, 11)];
    }
    if (rng.chance(0.2)) bytes.resize(static_cast<size_t>(rng.integer(0, static_cast<int64_t>(bytes.size()))));
    try {
      for (const TensorEntry& e : parse_safetensors(std::as_bytes(std::span(bytes)), "x")) {
        ASSERT_LE(e.end, bytes.size());
        ASSERT_LE(e.begin, e.end);
      }
      ++accepted;
    } catch (const Error&) {
    }
  }
  EXPECT_GT(accepted, 0);
}

}  // namespace
}  // namespace posttrain

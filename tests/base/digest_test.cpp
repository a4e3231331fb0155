#include "base/digest.h"

#include <gtest/gtest.h>

#include <fstream>

#include "base/error.h"
#include "base/temporary_folder.h"

namespace posttrain {
namespace {

// What `xxhsum -H2` prints.
TEST(Digest, IsXxh3With128Bits) {
  EXPECT_EQ(digest_of(""), "99aa06d3014798d86001c324468d497f");
  EXPECT_EQ(digest_of("abc"), "06b05ab6733a618578af5f94892f3950");
}

TEST(Digest, PiecesAndFilesGiveTheDigestOfTheWhole) {
  std::string text;
  for (int i = 0; i < 3'000'000; ++i) text += static_cast<char>(i * 2654435761u >> 24);
  const std::string whole = digest_of(text);
  Digest pieces;
  for (size_t at = 0, n = 1; at < text.size(); at += n, n = n * 7 % 100'003 + 1) {
    pieces.add(std::string_view(text).substr(at, n));
    pieces.value();  // a look in between changes nothing
  }
  EXPECT_EQ(pieces.hex(), whole);
  const TemporaryFolder folder;
  std::ofstream(folder.path() / "file", std::ios::binary) << text;
  EXPECT_EQ(digest_of_file(folder.path() / "file"), whole);
  text[2'999'999] ^= 1;
  EXPECT_NE(digest_of(text), whole);
}

TEST(Digest, AFileThatCannotBeReadIsAnError) {
  const TemporaryFolder folder;
  EXPECT_THROW(digest_of_file(folder.path() / "nothing"), Error);
  EXPECT_THROW(digest_of_file(folder.path()), Error);
}

}  // namespace
}  // namespace posttrain

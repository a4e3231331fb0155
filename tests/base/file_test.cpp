#include "base/file.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "base/error.h"
#include "base/temporary_folder.h"

namespace posttrain {
namespace {

class FileTest : public testing::Test {
 protected:
  const TemporaryFolder temporary_;
  const std::filesystem::path folder_ = temporary_.path();
};

TEST_F(FileTest, WritesAndReadsBackEveryByte) {
  const std::string bytes("a\0b\n\xff", 5);
  write_file_atomically(folder_ / "x", bytes);
  EXPECT_EQ(read_file(folder_ / "x"), bytes);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "x.tmp"));
}

TEST_F(FileTest, AFullDiskKeepsTheOldFileAndLeavesNoTemporary) {
  write_file_atomically(folder_ / "x", "old");
  const pid_t child = fork();
  if (child == 0) {  // a file size limit stands in for a full disk
    signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{1000, 1000};
    setrlimit(RLIMIT_FSIZE, &limit);
    try {
      write_file_atomically(folder_ / "x", std::string(5000, 'n'));
    } catch (const Failure&) {
      _exit(0);
    }
    _exit(1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  EXPECT_EQ(read_file(folder_ / "x"), "old");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "x.tmp"));
}

TEST_F(FileTest, MissingFileAndFolderAreNamed) {
  try {
    read_file(folder_ / "nothing");
    ADD_FAILURE() << "no error";
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("nothing"), std::string::npos);
  }
  EXPECT_THROW(read_file(folder_), Error);
  EXPECT_THROW(MappedFile{folder_}, Error);
  EXPECT_THROW(write_file_atomically(folder_ / "no" / "x", "a"), Failure);
}

TEST_F(FileTest, MapShowsTheBytesAndAnEmptyFileIsFine) {
  write_file_atomically(folder_ / "x", "hello");
  const MappedFile map(folder_ / "x");
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(map.data()), map.size()), "hello");
  write_file_atomically(folder_ / "empty", "");
  EXPECT_EQ(MappedFile(folder_ / "empty").size(), 0u);
}

}  // namespace
}  // namespace posttrain

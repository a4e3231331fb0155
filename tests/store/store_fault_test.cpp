// What a kill, a full disk, an unwritable folder and a bad file do to the store.
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "base/error.h"
#include "base/file.h"
#include "records_for_tests.h"
#include "store/store.h"
#include "temporary_folder.h"

namespace posttrain::store {
namespace {

class StoreFault : public FolderTest {
 protected:
  std::filesystem::path file() const { return folder_ / "run.db"; }
  // A store with 3 finished steps.
  void make() const {
    Store store(file(), Mode::create);
    store.begin_run(test_run());
    store.begin_stage({0, "zero", "grpo", "", 80});
    write_steps(store, 0, 0, 3);
  }
  // Runs the body in a child process; true when it ended with status 0.
  template <class Body>
  bool in_child(Body body) const {
    const pid_t child = fork();
    if (child == 0) {
      try {
        body();
      } catch (const std::exception&) {
        _exit(2);
      }
      _exit(0);
    }
    int status = 0;
    return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }
};

TEST_F(StoreFault, KillAtAnyMomentLeavesWholeStepsAndAllThatReturned) {
  for (int round = 0; round < 12; ++round) {
    const auto db = folder_ / ("kill" + std::to_string(round) + ".db");
    int pipe_ends[2];
    ASSERT_EQ(pipe(pipe_ends), 0);
    const pid_t child = fork();
    if (child == 0) {
      Store store(db, Mode::create);
      store.begin_run(test_run());
      store.begin_stage({0, "zero", "grpo", "", 0});
      for (int64_t step = 1;; ++step) {
        StepRecord record = test_step(0, step);
        for (int i = 0; i < 200; ++i) record.metrics.emplace_back(std::string("m").append(std::to_string(i)), i);
        store.write_step(record);
        if (write(pipe_ends[1], "x", 1) != 1) _exit(1);
      }
    }
    close(pipe_ends[1]);
    int64_t returned = 0;
    char byte = 0;
    while (returned < 3 + round && read(pipe_ends[0], &byte, 1) == 1) ++returned;
    usleep(static_cast<useconds_t>(137 * round));  // another place within the next transaction
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    while (read(pipe_ends[0], &byte, 1) == 1) ++returned;
    close(pipe_ends[0]);

    Store store(db, Mode::open);
    const int64_t last = store.last_step(0).value_or(0);
    EXPECT_GE(last, returned);
    EXPECT_LE(last, returned + 1);
    for (int64_t step = 1; step <= last; ++step) {
      EXPECT_EQ(store.metrics(0, step).size(), 203u);
      EXPECT_EQ(store.groups(0, step).size(), 2u);
    }
  }
}

TEST_F(StoreFault, AFullDiskIsSaidAndLosesNoFinishedStep) {
  make();
  EXPECT_TRUE(in_child([&] {
    signal(SIGXFSZ, SIG_IGN);
    Store store(file(), Mode::open);
    const std::string before = store.content();
    const rlimit limit{20000, 20000};  // a file size limit stands in for a full disk
    setrlimit(RLIMIT_FSIZE, &limit);
    StepRecord big = test_step(0, 4);
    big.groups[0].samples[0].completion = std::string(1 << 20, 'a');
    const std::string said = message_of<Failure>([&] { store.write_step(big); });
    if (said.find("run.db") == std::string::npos || said.find("disk") == std::string::npos) _exit(3);
    if (store.content() != before) _exit(4);
  }));
  Store store(file(), Mode::open);
  EXPECT_EQ(store.last_step(0), 3);
  store.write_step(test_step(0, 4));
}

TEST_F(StoreFault, AnUnwritableFolderIsNamedAndStillReadable) {
  make();
  const bool ok = in_child([&] {
    std::filesystem::permissions(folder_, std::filesystem::perms(0555));
    if (geteuid() == 0 && setuid(65534) != 0) _exit(3);
    if (message_of<Failure>([&] { Store(folder_ / "new.db", Mode::create); }).find("new.db") == std::string::npos) {
      _exit(4);
    }
    if (message_of<Failure>([&] { Store(file(), Mode::open); }).empty()) _exit(5);
    if (Store(file(), Mode::read_only).last_step(0) != 3) _exit(6);
  });
  std::filesystem::permissions(folder_, std::filesystem::perms::owner_all);
  EXPECT_TRUE(ok);
}

TEST_F(StoreFault, MissingForeignAndNewerFilesAreRefusedByName) {
  EXPECT_NE(message_of<Error>([&] { Store(file(), Mode::open); }).find("run.db: expected a run's store, got nothing"),
            std::string::npos);
  EXPECT_THROW(Store(folder_, Mode::read_only), Error);

  std::ofstream(folder_ / "text.db") << std::string(5000, 'x');
  for (const Mode mode : {Mode::create, Mode::open, Mode::read_only}) {
    EXPECT_NE(message_of<Error>([&] { Store(folder_ / "text.db", mode); }).find("not a SQLite database"),
              std::string::npos);
  }
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open((folder_ / "other.db").c_str(), &other), SQLITE_OK);
  sqlite3_exec(other, "CREATE TABLE t(x)", nullptr, nullptr, nullptr);
  sqlite3_close(other);
  for (const Mode mode : {Mode::create, Mode::open, Mode::read_only}) {
    EXPECT_NE(message_of<Error>([&] { Store(folder_ / "other.db", mode); }).find("another program"), std::string::npos);
  }
  make();
  ASSERT_EQ(sqlite3_open(file().c_str(), &other), SQLITE_OK);
  sqlite3_exec(other, "PRAGMA user_version = 99", nullptr, nullptr, nullptr);
  sqlite3_close(other);
  EXPECT_NE(message_of<Error>([&] { Store(file(), Mode::read_only); }).find("schema version"), std::string::npos);
}

TEST_F(StoreFault, ATornFileIsRefusedBeforeItIsWrittenOn) {
  make();
  const std::string bytes = read_file(file());
  for (const size_t keep : {bytes.size() - 1, bytes.size() / 2, size_t{5000}, size_t{100}, size_t{0}}) {
    std::filesystem::resize_file(file(), 0);
    write_file_atomically(file(), bytes.substr(0, keep));
    EXPECT_THROW(Store(file(), Mode::open), Error) << keep << " bytes of " << bytes.size();
  }
  std::string scribbled = bytes;
  for (size_t i = 8192; i < scribbled.size() && i < 8192 + 2000; ++i) scribbled[i] = '\x5a';
  write_file_atomically(file(), scribbled);
  EXPECT_NE(message_of<Error>([&] { Store(file(), Mode::open); }).find("damaged"), std::string::npos);
}

TEST_F(StoreFault, ACreationThatWasKilledIsDoneAgain) {
  std::ofstream(file()).flush();
  make();
  EXPECT_EQ(Store(file(), Mode::read_only).last_step(0), 3);
}

}  // namespace
}  // namespace posttrain::store

#include "base/child_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <thread>

#include "base/error.h"
#include "base/temporary_folder.h"

namespace posttrain {
namespace {

constexpr size_t kMost = 1 << 20;

ChildCommand shell(const std::string& script) {
  return {.argv = {"sh", "-c", script}};
}

std::string said(const ChildCommand& command) {
  ChildProcess child(command);
  child.close_input();
  std::string text;
  EXPECT_EQ(child.read_all(text, deadline_in(30), kMost), ChildIo::done);
  return text;
}

TEST(ChildProcess, SpeaksByLines) {
  ChildProcess child({.argv = {"cat"}});
  std::string line;
  for (const std::string text : {"one", "", "three and more"}) {
    EXPECT_EQ(child.write(text + "\n", deadline_in(30)), ChildIo::done);
    EXPECT_EQ(child.read_until("\n", line, deadline_in(30), kMost), ChildIo::done);
    EXPECT_EQ(line, text);
  }
  EXPECT_EQ(child.write("a<end>b<en", deadline_in(30)), ChildIo::done);
  EXPECT_EQ(child.read_until("<end>", line, deadline_in(30), kMost), ChildIo::done);
  EXPECT_EQ(line, "a");
  child.close_input();
  EXPECT_EQ(child.read_until("<end>", line, deadline_in(30), kMost), ChildIo::ended);
  EXPECT_EQ(child.read_all(line, deadline_in(30), kMost), ChildIo::done);
  EXPECT_EQ(line, "b<en");
  EXPECT_EQ(child.wait(deadline_in(30)), 0);
}

// More than both pipes hold, in both directions: whoever only writes would wait for ever.
TEST(ChildProcess, NeitherSideWaitsForTheOther) {
  ChildProcess child({.argv = {"cat"}});
  const std::string text(size_t{8} << 20, 'x');
  EXPECT_EQ(child.write(text + "\n", deadline_in(60)), ChildIo::done);
  std::string back;
  EXPECT_EQ(child.read_until("\n", back, deadline_in(60), text.size()), ChildIo::done);
  EXPECT_EQ(back, text);
}

TEST(ChildProcess, EndsAreValuesAndAreToldApart) {
  std::string text;
  ChildProcess exits(shell("exit 7")), dies(shell("kill -9 $$")), sleeps(shell("sleep 60")),
      talks(shell("head -c 3000000 /dev/zero"));
  EXPECT_EQ(exits.wait(deadline_in(30)), 7);
  EXPECT_EQ(exits.write("x", deadline_in(30)), ChildIo::ended);
  EXPECT_EQ(dies.wait(deadline_in(30)), 128 + SIGKILL);
  EXPECT_EQ(dies.read_until("\n", text, deadline_in(30), kMost), ChildIo::ended);
  EXPECT_EQ(sleeps.read_until("\n", text, deadline_in(0.05), kMost), ChildIo::late);
  EXPECT_EQ(sleeps.wait(deadline_in(0.05)), std::nullopt);
  EXPECT_EQ(talks.read_until("\n", text, deadline_in(30), kMost), ChildIo::too_long);
}

TEST(ChildProcess, WhatCannotStartIsAFailureThatNamesIt) {
  const auto why = [](const ChildCommand& command) -> std::string {
    try {
      ChildProcess child(command);
    } catch (const Failure& failure) {
      return failure.what();
    }
    return "";
  };
  EXPECT_NE(why({.argv = {"no-such-program-at-all"}}).find("no-such-program-at-all"), std::string::npos);
  EXPECT_NE(why({.argv = {"/dev/null"}}).find("Permission denied"), std::string::npos) << why({.argv = {"/dev/null"}});
  EXPECT_NE(why({.argv = {"sh"}, .folder = "/nowhere"}).find("/nowhere"), std::string::npos);
  EXPECT_NE(why({}), "");
}

TEST(ChildProcess, FolderEnvironmentErrorsAndDescriptorsAreAsAsked) {
  const TemporaryFolder folder;
  ChildCommand command = shell("pwd; echo \"$A-$HOME\"; cat <&5");
  command.folder = folder.path();
  command.environment = std::vector<std::string>{"A=b=c", "PATH=/bin:/usr/bin"};
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  ASSERT_EQ(write(ends[1], "five", 4), 4);
  close(ends[1]);
  command.descriptors = {{5, ends[0]}};
  EXPECT_EQ(said(command), std::filesystem::canonical(folder.path()).string() + "\nb=c-\nfive");
  close(ends[0]);

  command = shell("head -c 100000 /dev/zero | tr '\\0' y >&2; echo 'the last words' >&2; echo done");
  command.errors = ChildStream::pipe;
  ChildProcess child(command);
  std::string line;
  EXPECT_EQ(child.read_until("\n", line, deadline_in(30), kMost), ChildIo::done);
  EXPECT_EQ(child.wait(deadline_in(30)), 0);
  EXPECT_TRUE(child.errors().ends_with("yyy" + std::string("the last words\n")));
  EXPECT_LE(child.errors().size(), 4096u);
}

TEST(ChildProcess, ItsSignalsAreAsAtTheStartOfAnyProgram) {
  const auto before = std::signal(SIGPIPE, SIG_IGN);
  sigset_t all, old;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  const std::string status = said({.argv = {"grep", "-E", "Sig(Blk|Ign)", "/proc/self/status"}});
  pthread_sigmask(SIG_SETMASK, &old, nullptr);
  std::signal(SIGPIPE, before);
  EXPECT_EQ(status, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

TEST(ChildProcess, WhatItStartedEndsWithIt) {
  std::string line;
  {
    ChildProcess child(shell("sleep 1000 & echo $!; exit 0"));
    ASSERT_EQ(child.read_until("\n", line, deadline_in(30), kMost), ChildIo::done);
    EXPECT_EQ(child.wait(deadline_in(30)), 0);
    EXPECT_EQ(kill(std::stoi(line), 0), 0);
  }
  const auto gone = [&] {  // or a zombie that nobody has fetched
    const std::filesystem::path at = "/proc/" + line;
    return !std::filesystem::exists(at) || !std::filesystem::exists(at / "cwd");
  };
  for (int i = 0; i < 3000 && !gone(); ++i) usleep(10'000);
  EXPECT_TRUE(gone());
}

TEST(ChildStarter, ChildrenHaveThePriorityOfWhereItWasMade) {
  const ChildCommand ask = shell("nice");
  const int here = getpriority(PRIO_PROCESS, 0);
  ChildStarter starter;
  std::string text;
  std::thread([&] {
    setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), 19);
    const auto child = starter.start(ask);
    EXPECT_EQ(child->read_all(text, deadline_in(30), kMost), ChildIo::done);
    EXPECT_THROW(starter.start({.argv = {"no-such-program-at-all"}}), Failure);
  }).join();
  EXPECT_EQ(text, std::to_string(here) + "\n");
}

TEST(ChildStarter, ManyThreadsStartManyChildren) {
  ChildStarter starter;
  std::atomic<int> good{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 10; ++i) {
        const auto child = i % 2 == 0 ? starter.start({.argv = {"cat"}})
                                      : std::make_unique<ChildProcess>(ChildCommand{.argv = {"cat"}});
        std::string line;
        if (child->write("x\n", deadline_in(60)) == ChildIo::done &&
            child->read_until("\n", line, deadline_in(60), kMost) == ChildIo::done && line == "x")
          ++good;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 40);
}

}  // namespace
}  // namespace posttrain

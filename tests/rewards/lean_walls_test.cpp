// What a process behind walls can't do: the toolchain that compiles what a model wrote.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "base/file.h"
#include "base/temporary_folder.h"
#include "rewards/lean_child.h"

namespace posttrain::rewards {
namespace {

// Each line of the script prints what came of an attempt.
constexpr const char* head = R"(
import ctypes, os, socket, sys, time
def attempt(name, act):
    try:
        print(name, 'done', act() or '', flush=True)
    except OSError as e:
        print(name, 'refused', flush=True)
folder, host, outside = sys.argv[1], int(sys.argv[2]), sys.argv[3]
)";

class LeanWalls : public testing::Test {
 protected:
  void SetUp() override {
    const std::string missing = sandbox::ToolWalls::missing();
    if (!missing.empty()) GTEST_SKIP() << "this machine can't put up " << missing;
  }
  // What the script says behind walls, to its end.
  std::string say(const std::string& script) const {
    LeanChild child({"python3", "-c", head + script, own_.path(), std::to_string(getpid()), outside_.path()}, "",
                    {.memory_mib = 2048, .cpu_s = 20, .walls = true, .writable = {own_.path()}});
    child.close_input();
    std::string text;
    EXPECT_EQ(child.read_all(text, deadline_in(30)), ChildIo::done);
    return text;
  }
  const TemporaryFolder own_, outside_;
};

TEST_F(LeanWalls, FilesAreChangedInTheOwnFolderOnly) {
  write_file_atomically(outside_.path() / "there", "as it was");
  EXPECT_EQ(say(R"(
attempt('own', lambda: open(folder + '/x', 'w').write('x') and None)
attempt('other', lambda: open(outside + '/x', 'w'))
attempt('there', lambda: open(outside + '/there', 'a'))
attempt('truncate', lambda: os.truncate(outside + '/there', 0))
attempt('remove', lambda: os.remove(outside + '/there'))
attempt('move', lambda: os.rename(outside + '/there', folder + '/there'))
attempt('link', lambda: os.link(outside + '/there', folder + '/there'))
attempt('home', lambda: open(os.path.expanduser('~/.posttrain-probe'), 'w'))
attempt('read', lambda: open(outside + '/there').read())
)"),
            "own done \nother refused\nthere refused\ntruncate refused\nremove refused\nmove refused\nlink refused\n"
            "home refused\nread done as it was\n");
  EXPECT_EQ(read_file(outside_.path() / "there"), "as it was");
}

TEST_F(LeanWalls, ThereIsNoNetworkAndNoSocket) {
  EXPECT_EQ(say(R"(
attempt('inet', lambda: socket.socket())
attempt('unix', lambda: socket.socket(socket.AF_UNIX))
attempt('pair', lambda: socket.socketpair() and None)
)"),
            "inet refused\nunix refused\npair done \n");
}

TEST_F(LeanWalls, OtherProcessesCantBeReached) {
  EXPECT_EQ(say(R"(
attempt('kill', lambda: os.kill(host, 0))
attempt('environ', lambda: open('/proc/%d/environ' % host).read() and None)
attempt('memory', lambda: open('/proc/%d/mem' % host, 'rb').read(1) and None)
libc = ctypes.CDLL(None, use_errno=True)
print('trace', libc.ptrace(16, host, 0, 0))
print('unshare', libc.unshare(0x10000000))
print('mount', libc.mount(b'none', folder.encode(), b'tmpfs', 0, b''))
)"),
            "kill refused\nenviron refused\nmemory refused\ntrace -1\nunshare -1\nmount -1\n");
}

TEST_F(LeanWalls, NothingIsInheritedButPaths) {
  setenv("POSTTRAIN_SECRET", "s3cret", 1);
  const int leaked = dup(1);  // a descriptor that nobody marked
  EXPECT_EQ(say(R"(
print('POSTTRAIN_SECRET' in os.environ, 'PATH' in os.environ, os.environ['TMPDIR'] == folder)
for fd in range(3, 64):
    try: os.fstat(fd); print('descriptor', fd)
    except OSError: pass
)"),
            "False True True\n");
  close(leaked);
  unsetenv("POSTTRAIN_SECRET");
}

TEST_F(LeanWalls, WhatAChildStartedEndsWithIt) {
  const auto beat = own_.path() / "beat";
  {
    LeanChild child({"python3", "-c", std::string(head) + R"(
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.close(0); os.close(1); os.close(2)
        while True:
            open(folder + '/beat', 'a').write('x'); time.sleep(0.01)
time.sleep(100)
)",
                     own_.path(), "0", "/"},
                    "", {.walls = true, .writable = {own_.path()}});
    for (int i = 0; i < 1000 && !std::filesystem::exists(beat); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    ASSERT_TRUE(std::filesystem::exists(beat));
  }
  const auto size = std::filesystem::file_size(beat);
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  EXPECT_EQ(std::filesystem::file_size(beat), size);
}

TEST_F(LeanWalls, MemoryIsBounded) {
  EXPECT_EQ(say("try:\n  x = bytearray(3 << 30)\n  print('got it')\nexcept MemoryError:\n  print('refused')\n"),
            "refused\n");
}

}  // namespace
}  // namespace posttrain::rewards

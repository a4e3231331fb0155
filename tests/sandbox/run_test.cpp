// What a run gets, what it may use, and what is said of its end.
#include "tests/sandbox/boxes.h"

namespace posttrain::sandbox {
namespace {

TEST(Run, AnHonestProgramReadsComputesAndWrites) {
  NEEDS_SANDBOX();
  const Outcome run = run_python(
      "import sys, json, tempfile, threading\n"
      "t = threading.Thread(target=lambda: print(sum(map(int, sys.stdin.read().split()))))\n"
      "t.start(); t.join()\n"
      "open('note', 'w').write('x'); tempfile.NamedTemporaryFile().write(b'y')\n"
      "print('errors', file=sys.stderr)",
      "1 2 3\n4\n");
  EXPECT_EQ(to_string(judge_end(run)), std::string("AC")) << run.error << run.err;
  EXPECT_EQ(run.out, "10\n");
  EXPECT_EQ(run.err, "errors\n");
}

TEST(Run, ExitCodesSignalsAndExceptionsAreRunTimeErrors) {
  NEEDS_SANDBOX();
  EXPECT_EQ(run_python("exit(3)").exit_code, 3);
  EXPECT_EQ(run_python("import os, signal; os.kill(os.getpid(), signal.SIGKILL)").signal, 9);
  const Outcome raised = run_python("print('answer', flush=True); 1/0");
  EXPECT_EQ(judge_end(raised), Code::re);
  EXPECT_NE(raised.err.find("ZeroDivisionError"), std::string::npos);
  EXPECT_EQ(judge_end(run_python("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")), Code::re);
}

TEST(Run, CpuTimeEndsASpinAndWallTimeASleep) {
  NEEDS_SANDBOX();
  Limits limits = quick_limits();
  limits.cpu_s = 0.3;
  const Outcome spin = run_python(
      "import signal\nfor s in range(1, 65):\n"
      "  try: signal.signal(s, signal.SIG_IGN)\n  except Exception: pass\n"
      "while True: pass",
      "", limits);
  EXPECT_EQ(spin.stop, Stop::cpu);
  limits.wall_s = 0.5;
  const Outcome sleep =
      run_python("import os, time\nos.close(0); os.close(1); os.close(2)\ntime.sleep(100)", "", limits);
  EXPECT_EQ(sleep.stop, Stop::wall);
  EXPECT_LT(sleep.wall_ms, 100'000) << "it was not waited for";
}

TEST(Run, ResidentMemoryIsLimitedAndAddressSpaceIsNot) {
  NEEDS_SANDBOX();
  EXPECT_EQ(run_python("a = []\nwhile True: a.append(bytearray(b'x' * (1 << 20)))").stop, Stop::memory);
  const Outcome reserves = run_python(
      "import mmap\nm = mmap.mmap(-1, 1 << 30, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)\n"
      "m[0] = 1; print(len(m))");
  EXPECT_EQ(judge_end(reserves), Code::ac) << reserves.err;
  const Outcome peak = run_python("a = b'x' * (64 << 20); del a");
  EXPECT_GT(peak.memory_kib, 64 * 1024);
  EXPECT_LT(peak.memory_kib, 110 * 1024);
}

TEST(Run, MemoryThatNoMeterSeesIsRefused) {
  NEEDS_SANDBOX();
  const Outcome run = run_python(
      "import mmap, os\n"
      "for what in (lambda: mmap.mmap(-1, 1 << 20), lambda: os.memfd_create('m')):\n"
      "  try: what(); print('got it')\n"
      "  except OSError: print('refused')");
  EXPECT_EQ(run.out, "refused\nrefused\n");
  Limits limits = quick_limits();
  limits.disk_mib = 256;
  EXPECT_EQ(run_python("f = open('/dev/shm/f', 'wb')\nwhile True: f.write(b'x' * (1 << 20))", "", limits).stop,
            Stop::memory);
}

TEST(Run, OutputIsKeptToTheLimitWhateverIsWritten) {
  NEEDS_SANDBOX();
  Limits limits = quick_limits();
  limits.stdout_kib = 64;
  limits.stderr_kib = 16;
  const Outcome flood = run_python("import os\nwhile True: os.write(1, b'7' * (1 << 20))", "", limits);
  EXPECT_EQ(flood.stop, Stop::output);
  EXPECT_EQ(flood.out.size(), 64u * 1024);
  const Outcome exact = run_python("import os\nos.write(1, b'7' * (64 << 10))", "", limits);
  EXPECT_EQ(judge_end(exact), Code::ac);
  const Outcome errors =
      run_python("import os\nfor i in range(64): os.write(2, b'e' * (1 << 20))\nprint(42)", "", limits);
  EXPECT_EQ(judge_end(errors), Code::ac);
  EXPECT_EQ(errors.err.size(), 16u * 1024);
  EXPECT_EQ(errors.err_bytes, 64 << 20);
}

TEST(Run, AnUnreadInputAndAClosedOutputStopNobody) {
  NEEDS_SANDBOX();
  const Outcome run = run_python("print(42)", std::string(4 << 20, 'x'));
  EXPECT_EQ(run.out, "42\n");
}

TEST(Run, StreamsMayBeOpenedByName) {
  NEEDS_SANDBOX();
  const Outcome run = run_python("text = open('/dev/stdin').read()\nopen('/dev/stdout', 'w').write(text)", "hello");
  EXPECT_EQ(run.out, "hello") << run.err;
}

TEST(Run, TheParentCannotBeTakenForTheProgramItself) {
  NEEDS_SANDBOX();
  const Outcome run = run_python(
      "import os, resource, signal\n"
      "try: os.kill(os.getppid(), signal.SIGSTOP)\nexcept OSError: pass\n"
      "try: resource.prlimit(os.getppid(), resource.RLIMIT_CPU, (9, 9)); print('got it')\n"
      "except (OSError, ValueError): print('refused')");
  EXPECT_EQ(run.out, "refused\n") << run.err;
}

TEST(Run, FilesAndFoldersAreBounded) {
  NEEDS_SANDBOX();
  Limits limits = quick_limits();
  limits.disk_mib = 8;
  limits.inodes = 100;
  const Outcome disk = run_python(
      "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
      "n = 0\ntry:\n  f = open('big', 'wb')\n"
      "  while True: n += f.write(b'x' * 65536); f.flush()\n"
      "except OSError: print(n >> 20)",
      "", limits);
  EXPECT_EQ(disk.out, "8\n") << disk.err;
  const Outcome inodes = run_python(
      "n = 0\ntry:\n  while True: open('/tmp/%d' % n, 'w').close(); n += 1\n"
      "except OSError: print(n)",
      "", limits);
  EXPECT_EQ(inodes.out, "100\n");
}

TEST(Run, ThreadsAreBoundedAndProcessesRefused) {
  NEEDS_SANDBOX();
  Limits limits = quick_limits();
  limits.pids = 8;
  const Outcome threads = run_python(
      "import threading, time\nn = 1\ntry:\n"
      "  while n < 100: threading.Thread(target=time.sleep, args=(0.2,)).start(); n += 1\n"
      "except RuntimeError: pass\nprint(n)",
      "", limits);
  EXPECT_EQ(threads.out, "8\n") << threads.err;
  const Outcome forks = run_python(
      "import os, subprocess\n"
      "for what in (os.fork, lambda: subprocess.run(['/bin/true']), lambda: os.execv('/bin/true', ['true']),\n"
      "             lambda: os.execve(os.open('/bin/true', 0), ['true'], {})):\n"
      "  try: what(); print('got it')\n  except OSError: print('refused')");
  EXPECT_EQ(forks.out, "refused\nrefused\nrefused\nrefused\n");
}

TEST(Run, CompilesRunsAndRemembersEqualSources) {
  NEEDS_SANDBOX();
  const std::string source =
      "#include <cstdio>\nint main(){int a,b;if(std::scanf(\"%d%d\",&a,&b)!=2)return 1;std::printf(\"%d\\n\",a+b);}";
  const Compiled first = compile(source), again = compile(source);
  ASSERT_TRUE(first.program) << first.error << first.diagnostics;
  EXPECT_FALSE(first.cached);
  EXPECT_TRUE(again.cached);
  EXPECT_EQ(run_native(first, "2 3").out, "5\n");
}

TEST(Run, ThePrecompiledHeaderChangesNoProgram) {
  NEEDS_SANDBOX();
  for (const char* value : {"1", "2"}) {  // the first makes the header
    const Compiled compiled = compile(std::string("#include <bits/stdc++.h>\n#include <vector>\nusing namespace std;\n"
                                                  "int main(){ cout << vector<int>{") +
                                      value + "}[0] << endl; }");
    ASSERT_TRUE(compiled.program) << compiled.error << compiled.diagnostics;
    EXPECT_EQ(run_native(compiled).out, std::string(value) + "\n");
  }
}

TEST(Run, TheCompilerFindsNothingOfTheHostAndIsBounded) {
  NEEDS_SANDBOX();
  const Compiled secret =
      compile("#include \"/etc/shadow\"\n#include \"/etc/hostname\"\n#include \"/proc/1/environ\"\nint main(){}");
  EXPECT_TRUE(secret.error.empty());
  EXPECT_FALSE(secret.program);
  EXPECT_EQ(secret.diagnostics.find("root:"), std::string::npos);
  CompileLimits limits;
  limits.memory_mib = 200;
  const Compiled zero = compile("#include \"/dev/zero\"\nint main(){}", limits);
  EXPECT_TRUE(zero.error.empty());
  EXPECT_FALSE(zero.program);
  const Compiled embedded = compile("asm(\".incbin \\\"/etc/hostname\\\"\");int main(){}");
  EXPECT_FALSE(embedded.program);
}

}  // namespace
}  // namespace posttrain::sandbox

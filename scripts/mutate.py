#!/usr/bin/env python3
"""One-line mutants of the given sources: which of them does no test notice?

usage: scripts/mutate.py [options] SOURCE...
  --target NAME   ninja target of a test program; its binary is BUILD/NAME (repeatable)
  --filter GLOB   gtest filter, for all targets
  --build DIR     build folder (default build)
  --count N       try N mutants, spread evenly over all there are (default 30; 0 = all)
  --seed N        which ones (default 1)
  --list          print the mutants and stop
  --lines A-B     only these lines of each source

Each mutant changes one place: a comparison, a sign, a constant, a logical operator, min against max, a condition that
is taken out or turned round, a statement left out. It is built and tested alone; the source is put back whatever
happens. A mutant that does not build counts as no mutant. Exit status 1 when one survives.
"""
import argparse, os, random, re, subprocess, sys

SWAPS = [
    (r"(?<![<>=!-])<=(?!=)", "<"), (r"(?<![<>=!-])>=(?!=)", ">"),
    (r"(?<=\s)<(?=\s)", "<="), (r"(?<=\s)>(?=\s)", ">="),
    (r"(?<=\s)<(?=\s)", ">"), (r"(?<=\s)>(?=\s)", "<"),
    (r"==", "!="), (r"!=", "=="),
    (r"(?<=[\w)\]]) \+ (?=[\w(])", " - "), (r"(?<=[\w)\]]) - (?=[\w(])", " + "),
    (r"(?<=[\w)\]]) \* (?=[\w(])", " / "), (r"(?<=[\w)\]]) / (?=[\w(])", " * "),
    (r"\+=", "-="), (r"-=", "+="), (r"(?<=[(,{=?:] )-(?=[a-z])", ""), (r"(?<=return )-(?=[a-z])", ""),
    (r"(?<=\{)-(?=[a-z])", ""),
    (r"&&", "||"), (r"\|\|", "&&"), (r"(?<=[( ])!(?=[a-z])", ""),
    (r"\bstd::max\b", "std::min"), (r"\bstd::min\b", "std::max"),
    (r"\bstd::max<", "std::min<"), (r"\bany_of\b", "all_of"), (r"\ball_of\b", "any_of"),
    (r"\btrue\b", "false"), (r"\bfalse\b", "true"),
    (r"(?<![\w.])0(?![\w.])", "1"), (r"(?<![\w.])1(?![\w.])", "0"), (r"(?<![\w.])1(?![\w.])", "2"),
    (r"(?<![\w.])([2-9]|\d{2,})(?![\w.])", r"(\1 + 1)"), (r"(?<![\w.])1e-(\d)\b", r"1e-1\1"),
]


def mutants(path, lines, first, last):
    """(line number, what changed, the new line)"""
    for number, line in enumerate(lines, 1):
        code = line.split("//")[0]
        if not first <= number <= last or code.strip().startswith("#") or "PT_ASSERT" in code:
            continue
        text = re.sub(r'"(\\.|[^"\\])*"', lambda m: "\x00" * len(m.group()), code)  # nothing within texts
        for pattern, replacement in SWAPS:
            for match in re.finditer(pattern, text):
                new = match.expand(replacement)
                yield number, f"{match.group().strip()} -> {new.strip() or 'nothing'}", \
                    line[:match.start()] + new + line[match.end():]
        condition = re.match(r"^(\s*)(if|} else if) \((.*)\)( continue;| return.*;|.*)$", code.rstrip("\n"))
        if condition and "constexpr" not in code and code.count("(") == code.count(")") and ";" not in condition[3]:
            yield number, "condition never holds", line.replace(f"({condition[3]})", f"(false && ({condition[3]}))", 1)
        if re.match(r"^\s+[\w.\->\[\]()]+ (\+|-|\*|/|)?= [^;]*;\s*$", code) and "const" not in code:
            yield number, "statement left out", re.sub(r"\S.*", ";", line.rstrip("\n"), count=1) + "\n"


def run(command, seconds):
    try:
        return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=seconds).returncode
    except subprocess.TimeoutExpired:
        return "time"


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("sources", nargs="+")
    p.add_argument("--target", action="append", required=True)
    p.add_argument("--filter", default="*")
    p.add_argument("--build", default="build")
    p.add_argument("--count", type=int, default=30)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--list", action="store_true")
    p.add_argument("--lines", default="1-1000000")
    p.add_argument("--seconds", type=int, default=900, help="limit of one build and of one test program")
    a = p.parse_args()
    first, last = map(int, a.lines.split("-"))
    found = []
    for path in a.sources:
        lines = open(path).read().splitlines(keepends=True)
        found += [(path, *m) for m in mutants(path, lines, first, last)]
    order = list(range(len(found)))
    if a.count and a.count < len(found):
        random.Random(a.seed).shuffle(order)
        order = sorted(order[:a.count])
    print(f"{len(found)} mutants, trying {len(order)}", flush=True)
    if a.list:
        for i in order:
            path, number, what, new = found[i]
            print(f"{path}:{number}: {what}: {new.strip()}")
        return 0

    build = ["ninja", "-C", a.build, *a.target]
    tests = [[os.path.join(a.build, t), f"--gtest_filter={a.filter}", "--gtest_brief=1", "--gtest_fail_fast"] for t in a.target]
    if run(build, a.seconds) != 0 or any(run(t, a.seconds) != 0 for t in tests):
        sys.exit("the tests do not pass before anything is changed")
    killed, survivors, broken = 0, [], 0
    for i in order:
        path, number, what, new = found[i]
        before = open(path).read()
        lines = before.splitlines(keepends=True)
        lines[number - 1] = new
        try:
            open(path, "w").write("".join(lines))
            if run(build, a.seconds) != 0:
                broken += 1
                continue
            alive = all(run(t, a.seconds) == 0 for t in tests)
        finally:
            open(path, "w").write(before)
        killed += not alive
        mark = "SURVIVES" if alive else "killed"
        print(f"{mark:8} {path}:{number}: {what}: {new.strip()}", flush=True)
        if alive:
            survivors.append(i)
    run(build, a.seconds)
    print(f"{killed} killed, {len(survivors)} survive, {broken} do not build")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())

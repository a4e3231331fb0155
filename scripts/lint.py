#!/usr/bin/env python3
"""clang-tidy over every source that is built, tests aside.

scripts/linted.txt holds what was found clean: one line for each source, with the hash of its text, of all project headers
that it includes, and of .clang-tidy. Only sources whose hash has changed are looked at, because a whole pass takes a
quarter of an hour. `--record` writes the hashes of clean sources into that file; `--all` trusts no hash.
"""
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
LIST = ROOT / "scripts/linted.txt"
INCLUDE = re.compile(r'^#include "([^"]+)"', re.MULTILINE)
FINDING = re.compile(r"\[(bugprone|performance|misc|modernize|readability)-")


def built_sources():
    commands = json.loads((ROOT / "build/compile_commands.json").read_text())
    names = {os.path.relpath(command["file"], ROOT) for command in commands}
    return sorted(name for name in names if not name.startswith(("tests/", "build/", "..")))


def closure(source):
    """The source and all project files that it includes, in a fixed order."""
    seen, waiting = set(), [source]
    while waiting:
        name = waiting.pop()
        if name not in seen and (ROOT / name).is_file():
            seen.add(name)
            waiting += INCLUDE.findall((ROOT / name).read_text())
    return sorted(seen)


def key_of(source):
    digest = hashlib.sha256((ROOT / ".clang-tidy").read_bytes())
    for name in closure(source):
        digest.update(name.encode() + b"\0" + (ROOT / name).read_bytes())
    return digest.hexdigest()[:32]


def findings(source):
    done = subprocess.run(["clang-tidy", "-p", "build", "--quiet", source], cwd=ROOT, capture_output=True, text=True)
    lines = done.stdout.splitlines()
    # What clang 14 can't parse of the standard library, though GCC builds it, is not a finding.
    return [line for line in lines if FINDING.search(line)]


def main():
    known = dict(reversed(line.split()) for line in LIST.read_text().splitlines()) if LIST.exists() else {}
    keys = {source: key_of(source) for source in built_sources()}
    to_lint = [s for s in keys if "--all" in sys.argv or known.get(s) != keys[s]]
    bad = set()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for done, (source, found) in enumerate(zip(to_lint, pool.map(findings, to_lint)), 1):
            print(f"[{done}/{len(to_lint)}] {source}", flush=True)
            if found:
                bad.add(source)
                print("\n".join(found), flush=True)
    print(f"lint: {len(keys)} sources, {len(to_lint)} looked at, {len(bad)} with findings")
    if "--record" in sys.argv:
        LIST.write_text("".join(f"{keys[s]}  {s}\n" for s in keys if s not in bad))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

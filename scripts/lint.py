#!/usr/bin/env python3
"""clang-tidy over the sources named in scripts/linted.txt.

That file holds what was found clean: one line for each source, with the hash of its text, of all project headers that it
includes, and of the .clang-tidy files above it. Only sources whose hash has changed are looked at, because a whole pass takes a quarter of
an hour. The list may only grow: `--record [SOURCE...]` looks at these, or at every source that is built, and writes down
what is clean.
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
DATABASE = ROOT / "build/lint/compile_commands.json"
INCLUDE = re.compile(r'^#include "([^"]+)"', re.MULTILINE)
FINDING = re.compile(r"\[(bugprone|performance|misc|modernize|readability)-")


def built_sources():
    """Their names; writes DATABASE, where each has a command of its own, for ./check compiles many at a time."""
    singles = {}
    for command in json.loads((ROOT / "build/compile_commands.json").read_text()):
        file = pathlib.Path(command["file"])
        together = file.parent.name == "Unity"
        for source in re.findall(r'^#include "(.+)"', file.read_text(), re.MULTILINE) if together else [str(file)]:
            name = os.path.relpath(source, ROOT)
            if not name.startswith(("build/", "..")):
                singles[name] = command | {"file": source, "command": command["command"].replace(str(file), source)}
    DATABASE.parent.mkdir(exist_ok=True)
    DATABASE.write_text(json.dumps(list(singles.values())))
    return sorted(singles)


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
    folders = [ROOT, *(ROOT / folder for folder in reversed(pathlib.Path(source).parents[:-1]))]
    digest = hashlib.sha256(b"".join(f.read_bytes() for f in (folder / ".clang-tidy" for folder in folders) if f.is_file()))
    for name in closure(source):
        digest.update(name.encode() + b"\0" + (ROOT / name).read_bytes())
    return digest.hexdigest()[:32]


def findings(source):
    done = subprocess.run(["clang-tidy", "-p", DATABASE.parent, "--quiet", source], cwd=ROOT, capture_output=True, text=True)
    lines = done.stdout.splitlines()
    # What clang 14 can't parse of the standard library, though GCC builds it, is not a finding.
    return [line for line in lines if FINDING.search(line)]


def main():
    record = "--record" in sys.argv
    named = [argument for argument in sys.argv[1:] if not argument.startswith("--")]
    known = dict(reversed(line.split()) for line in LIST.read_text().splitlines())
    built = built_sources()
    keys = {source: key_of(source) for source in (named or built if record else known) if source in built}
    to_lint = [source for source in keys if known.get(source) != keys[source]]
    bad = set()
    with concurrent.futures.ThreadPoolExecutor(int(os.environ.get("LINT_JOBS", os.cpu_count()))) as pool:
        for done, (source, found) in enumerate(zip(to_lint, pool.map(findings, to_lint)), 1):
            print(f"[{done}/{len(to_lint)}] {source}", flush=True)
            if found:
                bad.add(source)
                print("\n".join(found), flush=True)
    if record:
        known.update({source: key for source, key in keys.items() if source not in bad})
        LIST.write_text("".join(f"{known[s]}  {s}\n" for s in sorted(known) if s in built and s not in bad))
    print(f"lint: {len(built)} sources, {len(known)} in the list, {len(to_lint)} looked at, {len(bad)} with findings")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

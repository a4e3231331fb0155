#!/usr/bin/env bash
# clang-tidy over the sources named in scripts/linted.txt that have changed, with all they include, since they were last
# found clean. What clang can't parse though GCC builds it is not a finding. `scripts/lint.sh --all` takes every source:
# those that it finds clean belong into the list, which may only grow.
set -euo pipefail
cd "$(dirname "$0")/.."

lint() {
  local source=$1 stamp=build/lint/${1//\//_}
  local key
  key=$({ g++ -std=c++20 -I. -MM -MG -MT x "$source" | tr -d '\\' | tr ' ' '\n' | grep -E '^[a-z]' | sort -u | xargs cat -- \
    2> /dev/null; cat .clang-tidy; } | sha256sum)
  [[ $(cat "$stamp" 2> /dev/null) == "$key" ]] && return 0
  local findings
  findings=$(clang-tidy -p build --quiet "$source" 2> /dev/null | grep -A 3 -E '\[(bugprone|performance|misc|modernize|readability)' ||
    true)
  if [[ -n $findings ]]; then
    printf '%s\n' "$findings"
    return 1
  fi
  printf '%s' "$key" > "$stamp"
}

if [[ ${1-} == --one ]]; then
  lint "$2"
else
  mkdir -p build/lint
  if [[ ${1-} == --all ]]; then
    sources=$(grep -o '"file": "[^"]*"' build/compile_commands.json | cut -d '"' -f 4 | grep -v /tests/ | sort -u)
  else
    sources=$(cat scripts/linted.txt)
  fi
  printf '%s\n' "$sources" | sed "s,^$PWD/,," | xargs -P "$(nproc)" -n 1 scripts/lint.sh --one
fi

# Sourced by ./quickstart and ./check: names and times each phase, installs missing Debian packages, configures builds.

build_packages=(g++ cmake ninja-build pkg-config nlohmann-json3-dev libspdlog-dev libcli11-dev libsqlite3-dev libgmp-dev
  libpcre2-dev libutf8proc-dev libxxhash-dev libcpp-httplib-dev libseccomp-dev libboost-dev python3)
check_packages=(libopenblas0-pthread libgtest-dev libbenchmark-dev clang-format clang-tidy)

phase_name='' phase_start=0
phase() { # phase NAME: ends the last phase, begins another
  local now=$SECONDS
  if [[ -n $phase_name ]]; then printf '== %s: %d s\n' "$phase_name" $((now - phase_start)); fi
  phase_name=${1-} phase_start=$now
  if [[ -n $phase_name ]]; then printf '\n== %s\n' "$phase_name"; fi
}

as_root() {
  if [[ $(id -u) == 0 ]]; then "$@"; else sudo "$@"; fi
}

# install PACKAGE...: those that dpkg does not know as installed. Systems without apt are left as they are.
install() {
  if ! command -v apt-get > /dev/null; then
    echo "this is no Debian system; its packages are expected to be there: $*"
    return 0
  fi
  local missing=() package
  for package in "$@"; do
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2> /dev/null || true) == installed ]] || missing+=("$package")
  done
  if [[ ${#missing[@]} == 0 ]]; then
    echo 'every package is there'
    return 0
  fi
  echo "installing ${missing[*]}"
  if [[ $(id -u) != 0 ]] && ! command -v sudo > /dev/null; then
    echo "neither root nor sudo; as root run: apt-get install ${missing[*]}" >&2
    return 1
  fi
  as_root apt-get -qq update
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install "${missing[@]}" \
    < /dev/null > "${TMPDIR:-/tmp}/posttrain-apt.log" 2>&1 || {
    tail -20 "${TMPDIR:-/tmp}/posttrain-apt.log" >&2
    return 1
  }
}

# follow_ninja LOG PROCESS: without a terminal, a line every 15 s with what share of the steps is done.
follow_ninja() {
  local log=$1 process=$2 begin=$SECONDS said=$((SECONDS - 13)) steps
  while kill -0 "$process" 2> /dev/null; do
    if ((SECONDS - said >= 15)); then
      said=$SECONDS
      steps=$(sed -n 's,^\[\([0-9]*\)/\([0-9]*\)\] .*,\1 \2,p' "$log" | tail -1)
      if [[ -n $steps ]]; then
        printf '%3d%% of %d steps, %d s\n' $((100 * ${steps% *} / ${steps#* })) "${steps#* }" $((SECONDS - begin))
      else
        printf 'starting, %d s\n' $((SECONDS - begin))
      fi
    fi
    sleep 1
  done
}

# build FOLDER TARGETS CMAKE_OPTION...: TARGETS is a list in one word. Only a failing build prints more than its progress.
# Many sources at a time, for whoever comes here builds everything; the presets keep them apart.
build() {
  local folder=$1 targets=$2
  shift 2
  cmake -S . -B "$folder" -G Ninja -DCMAKE_UNITY_BUILD=ON "$@" > "$folder.log" 2>&1 || {
    cat "$folder.log" >&2
    return 1
  }
  rm -f "$folder.log"
  if [[ -t 1 ]]; then # a terminal shows the redrawn progress line
    # shellcheck disable=SC2086
    NINJA_STATUS='[%f/%t %es] ' ninja -C "$folder" $targets
    return
  fi
  local log=$folder/ninja.log process status=0
  # shellcheck disable=SC2086
  NINJA_STATUS='[%f/%t] ' ninja -C "$folder" $targets > "$log" 2>&1 &
  process=$!
  follow_ninja "$log" "$process"
  wait "$process" || status=$?
  if [[ $status != 0 ]]; then grep -vE '^\[[0-9]+/[0-9]+\] ' "$log" >&2 || true; fi
  return $status
}

# Sourced by ./quickstart and ./check: names and times each phase, installs missing Debian packages, configures builds.

build_packages=(g++ cmake ninja-build pkg-config nlohmann-json3-dev libspdlog-dev libcli11-dev libsqlite3-dev libgmp-dev
  libpcre2-dev libutf8proc-dev libxxhash-dev libopenblas-dev libseccomp-dev libboost-dev python3)
check_packages=(libgtest-dev libbenchmark-dev clang-format clang-tidy)

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
  local quiet=--quiet
  if [[ -t 1 ]]; then quiet=; fi # a terminal shows the redrawn progress line
  # shellcheck disable=SC2086
  NINJA_STATUS='[%f/%t %es] ' ninja -C "$folder" $quiet $targets
}

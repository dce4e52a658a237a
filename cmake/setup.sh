#!/usr/bin/env bash
# Installs what building and testing needs on Debian 12, where it is missing; says nothing where all is there.
#   cmake/setup.sh             what the program, the library and the tests need
#   cmake/setup.sh --build     what the program and the library need
#   cmake/setup.sh --aarch64   what cmake/aarch64.sh needs beside the first
#   cmake/setup.sh --cudnn     the headers of cudnn-frontend (MIT and Apache 2.0, NVIDIA), where CMake looks for them
set -euo pipefail
if [ "${1:-}" = --cudnn ]; then
  version=1.32.0
  place=${XDG_CACHE_HOME:-$HOME/.cache}/nvembed/cudnn_frontend
  [ "$(cat "$place/version" 2>/dev/null || true)" = $version ] && exit 0
  command -v unzip >/dev/null || { echo "setup: unzip is missing" >&2; exit 1; }
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  echo "setup: fetching cudnn-frontend $version" >&2
  python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: -d "$work" \
    nvidia-cudnn-frontend==$version
  unzip -q "$work"/nvidia_cudnn_frontend-*.whl 'include/*' '*/licenses/*' -d "$work/unpacked"
  echo $version >"$work/unpacked/version"
  mkdir -p "${place%/*}"
  rm -rf "$place"
  mv "$work/unpacked" "$place"
  exit 0
fi
packages=(g++ cmake ninja-build libeigen3-dev libdnnl-dev libsentencepiece-dev nlohmann-json3-dev libcli11-dev
          libutf8proc-dev python3 python3-pip unzip)
if [ "${1:-}" = --aarch64 ]; then
  packages=(g++-aarch64-linux-gnu qemu-user-static)
elif [ "${1:-}" != --build ]; then
  packages+=(doctest-dev libbenchmark-dev libboost-context-dev python3-venv clang-14 libclang-rt-14-dev pkg-config dpkg-dev file)
fi
missing=()
for p in "${packages[@]}"; do
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null || true)" = installed ] || missing+=("$p")
done
[ ${#missing[@]} -eq 0 ] && exit 0
if ! command -v apt-get >/dev/null; then
  echo "setup: missing: ${missing[*]}; install them by your system's package manager" >&2
  exit 1
fi
sudo=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "setup: run as root: apt-get install ${missing[*]}" >&2; exit 1; }
  sudo=(sudo)
fi
echo "setup: installing ${missing[*]}" >&2
export DEBIAN_FRONTEND=noninteractive
"${sudo[@]}" apt-get update -qq
"${sudo[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null

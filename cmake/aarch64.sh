#!/usr/bin/env bash
# Builds the tests for 64-bit Arm with Debian's cross compiler and runs them under qemu.
#   cmake/aarch64.sh           all of it
#   cmake/aarch64.sh --setup   only what it needs: packages, and the target's libraries under build/aarch64-packages
# The libraries are fetched and unpacked there, not installed: the two architectures' development packages exclude each other.
set -euo pipefail
cd "$(dirname "$0")/.."
cmake/setup.sh
cmake/setup.sh --aarch64
root=$PWD/build/aarch64-packages
if [ ! -e "$root/complete" ]; then
  rm -rf "$root"
  mkdir -p "$root"/apt/{lists,cache/archives}/partial
  apt=(apt-get -qq -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o Dir::State="$root/apt" -o Dir::State::status=/dev/null
       -o Dir::State::Lists="$root/apt/lists" -o Dir::Cache="$root/apt/cache" -o Debug::NoLocking=1
       -o Acquire::Languages=none -o APT::Sandbox::User="$(id -un)")
  "${apt[@]}" update
  (cd "$root/apt" &&
    "${apt[@]}" download libdnnl-dev libdnnl2 libsentencepiece-dev libsentencepiece0 libutf8proc-dev libutf8proc2)
  for deb in "$root"/apt/*.deb; do
    dpkg-deb --extract "$deb" "$root"
  done
  rm -rf "$root/apt"
  touch "$root/complete"
fi
[ "${1:-}" != --setup ] || exit 0
cmake --preset aarch64
cmake --build --preset aarch64
ctest --preset aarch64

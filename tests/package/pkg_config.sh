#!/usr/bin/env bash
# pkg_config.sh COMPILER PREFIX SCRATCH MODEL PACKAGE...: builds a program from two units with what pkg-config says about
# each PACKAGE, and runs it. A package's name holds its back end's.
set -euo pipefail
compiler=$1 prefix=$2 scratch=$3 model=$4
shift 4
cd "$(dirname "$0")"
export PKG_CONFIG_PATH
PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name nvembed.pc)")
mkdir -p "$scratch"
for package in "$@"; do
  back_end=${package#nvembed-}
  program=$scratch/$package
  read -ra flags < <(pkg-config --cflags --libs "$package")
  "$compiler" -std=c++20 -DBACK_END="${back_end%-compiled}" consumer.cpp second.cpp "${flags[@]}" -o "$program"
  printed=$("$program" "$model")
  echo "$package: $printed"
  [[ $printed == 1.00\ * ]] || exit 1
done

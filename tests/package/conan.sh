#!/usr/bin/env bash
# conan.sh CONAN RECIPE HOME: creates the package without a remote and builds its test_package, all inside HOME.
set -euo pipefail
export CONAN_HOME=$3
"$1" profile detect --force
"$1" create "$2" --no-remote -s compiler.cppstd=20 -c tools.system.package_manager:mode=check \
  -c tools.cmake.cmake_layout:test_folder="$3/test" -c tools.cmake.cmaketoolchain:user_presets=""

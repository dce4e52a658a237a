#!/usr/bin/env bash
# headers.sh COMPILER PROJECT INCLUDE_DIRS DEFINITIONS HEADER...: compiles each header on its own, two at a time, names those
# that fail. Lists are separated by ':'; folders outside the project count as system headers.
set -u
compiler=$1 project=$2 dirs=$3 definitions=$4
shift 4
flags=(-std=c++20 -fsyntax-only -Wall -Wextra -Werror)
IFS=: read -ra list <<<"$dirs"
for dir in "${list[@]}"; do
  case $dir in
    "$project"/*) flags+=("-I$dir") ;;
    /usr/include) ;;
    *) flags+=(-isystem "$dir") ;;
  esac
done
IFS=: read -ra list <<<"$definitions"
for definition in "${list[@]}"; do
  [ -n "$definition" ] && flags+=("-D$definition")
done
export compiler
printf '%s\0' "$@" | xargs -0 -P 2 -I HEADER bash -c '
  header=$1; shift
  if ! output=$(echo "#include <$header>" | "$compiler" "$@" -x c++ - 2>&1); then
    printf "%s does not compile on its own with %s:\n%s\n" "$header" "$compiler" "$(head -n 12 <<<"$output")"
    exit 1
  fi' _ HEADER "${flags[@]}" || exit 1
echo "$# headers compile on their own with $compiler"

#!/usr/bin/env bash
# run.sh [SECONDS [TARGET...]]: builds the fuzzers and runs each in turn, 60 seconds unless said otherwise, from its corpus.
# What is new lies in build/fuzz/corpus/TARGET, crashes in build/fuzz/crashes; the exit status tells whether there are any.
#   run.sh 0 [TARGET...]   instead adds to the committed corpus what reaches new code: 100 inputs and 60 KB a target
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 2
seconds=${1:-60}
shift || true
build=build/fuzz crashes=build/fuzz/crashes
cmake -G Ninja -B $build -DCMAKE_CXX_COMPILER="${CXX:-clang++}" -DCMAKE_BUILD_TYPE=Debug -DNVEMBED_BUILD_FUZZERS=ON \
  -DNVEMBED_BUILD_TESTS=OFF -DNVEMBED_BUILD_EXAMPLES=OFF -DNVEMBED_BUILD_CLI=OFF -DNVEMBED_INSTALL=OFF \
  -DNVEMBED_WITH_ONEDNN=OFF >/dev/null && nice cmake --build $build --target fuzzers -j1 || exit 2
mkdir -p $crashes
TMPDIR=$(mktemp -d -p "$([ -w /dev/shm ] && echo /dev/shm || echo /tmp)") # the readers' files: in memory
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT

[ $# -gt 0 ] || for program in "$build"/bin/fuzz_*; do set -- "$@" "${program##*/fuzz_}"; done
for target in "$@"; do
  known=tests/fuzz/corpus/$target found=$build/corpus/$target
  # Inputs longer than a target needs only slow it down.
  case $target in
    gguf) longest=16384 ;;
    tokenizer_json | sentencepiece) longest=8192 ;;
    *) longest=4096 ;;
  esac
  mkdir -p "$known" "$found"
  limits=(-timeout=10 -rss_limit_mb=2048 "-max_len=$longest")
  if [ "$seconds" -eq 0 ]; then
    # By edges alone, without their counts: a tenth of the files.
    rm -rf $build/merged && mkdir $build/merged
    nice $build/bin/fuzz_"$target" -merge=1 -use_counters=0 "${limits[@]}" $build/merged "$known" "$found" \
      >"$build/$target.log" 2>&1 || echo "$target: the merge failed, see $build/$target.log"
    sum=0
    while read -r size file; do
      [ $((sum += size)) -le 60000 ] && cp -n "$file" "$known/"
    done < <(find $build/merged -type f -printf '%s %p\n' | sort -n | awk -v n="$(find $build/merged -type f | wc -l)" \
      'NR % (int(n / 100) + 1) == 0') # of all sizes
    # The merge names its files by their hash, so that a seed would stand there twice.
    find "$known" -type f -printf '%f %p\n' | sort -r | cut -d' ' -f2- | xargs -d '\n' sha1sum | sort -s -k1,1 |
      awk '$1 == last { print substr($0, 43) } { last = $1 }' | xargs -r -d '\n' rm --
    echo "$target: $(find "$known" -type f | wc -l) files, $(cat "$known"/* | wc -c) bytes"
    continue
  fi
  printf '%-15s ' "$target"
  nice $build/bin/fuzz_"$target" -max_total_time="$seconds" "${limits[@]}" -print_final_stats=1 \
    -artifact_prefix="$crashes/${target}_" "$found" "$known" >"$build/$target.log" 2>&1
  status=$?
  echo "$(grep -oP 'number_of_executed_units: \K.*' "$build/$target.log" || echo 0) runs, $(
    grep -oP 'cov: \K\d+' "$build/$target.log" | tail -n 1) edges$([ $status -eq 0 ] || echo "; FAILED, see $build/$target.log")"
done
[ "$seconds" -eq 0 ] && exit
if [ -n "$(ls -A $crashes)" ]; then
  echo "crashes:" && ls -1 $crashes/*
  exit 1
fi
echo "no crashes"

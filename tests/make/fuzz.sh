#!/usr/bin/env bash
# Lets libFuzzer work on the targets of tests/fuzz, starting from their stored inputs.
#
#     tests/make/fuzz.sh                     each target 50,000 inputs, the same in every run: what `make test` does
#     tests/make/fuzz.sh bundles 600         one target, 600 seconds, another run each time
#
# Needs no nightly toolchain and no cargo-fuzz: code is instrumented by a pass of LLVM that the stable compiler has. What
# is built that way has a target folder of its own. What libFuzzer learns stays in target/fuzz/corpus; an input that
# breaks something is in target/fuzz/found, and how to keep it is in tests/fuzz/README.md.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/make/step.sh

RUNS=50000
# Longer than any input that a smoke run has to try; longer ones are in the tests.
MAX_BYTES=16384

tests/setup/rust.sh
command -v c++ >/dev/null || tests/setup/debian.sh g++

folder=${CARGO_TARGET_DIR:-target}/fuzz
host=$(rustc -vV | sed -n 's/^host: //p')
mapfile -t targets < <(basename --suffix=.rs --multiple tests/fuzz/fuzz_targets/*.rs)

build() {
    # What cargo-fuzz sets, without a sanitizer: there is no unsafe code to watch. Overflows and debug assertions stop the
    # run. --target keeps the flags away from build scripts.
    RUSTFLAGS="--cfg fuzzing -Cpasses=sancov-module -Ccodegen-units=1
        -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters
        -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares" \
        cargo build --locked --package fuzz --features libfuzzer --bins --profile fuzz \
        --target "$host" --target-dir "$folder"
}

run() { # TARGET OPTION…
    local target=$1
    shift
    mkdir -p "$folder/corpus/$target" "$folder/found"
    "$folder/$host/fuzz/fuzz-$target" "$folder/corpus/$target" "tests/fuzz/corpus/$target" \
        -artifact_prefix="$folder/found/$target-" -timeout=20 -rss_limit_mb=1024 -print_final_stats=1 "$@"
}

smoke() { # TARGET: quiet unless it fails
    local log=$folder/$1.log
    rm -rf "$folder/corpus/$1"
    if ! run "$1" -runs=$RUNS -seed=1 -max_len=$MAX_BYTES >"$log" 2>&1; then
        tail -n 40 "$log" >&2
        return 1
    fi
}

step "building the fuzz targets" build
if [ $# -gt 0 ]; then
    run "$1" -max_total_time="${2:-60}"
else
    for target in "${targets[@]}"; do
        step "fuzzing $target" smoke "$target"
    done
fi

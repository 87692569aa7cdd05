#!/usr/bin/env bash
# Installs the toolchain of rust-toolchain.toml with its components and targets, unless all of it is there.
set -euo pipefail
cd "$(dirname "$0")/../.."

entries() { # KEY: what stands in quotes in the value of KEY
    tr -d '\n' <rust-toolchain.toml | grep -oE "$1 *= *(\[[^]]*\]|\"[^\"]*\")" | grep -o '"[^"]*"' | tr -d '"'
}
channel=$(entries channel)
mapfile -t components < <(entries components)
mapfile -t targets < <(entries targets)

if ! command -v rustup >/dev/null; then
    echo "rustup is missing: install it from https://rustup.rs, then run this again" >&2
    exit 1
fi

complete() {
    local sysroot target
    sysroot=$(rustup run "$channel" rustc --print sysroot 2>/dev/null) || return 1
    for target in "${targets[@]}"; do
        [ -d "$sysroot/lib/rustlib/$target/lib" ] || return 1
    done
    [ -x "$sysroot/bin/cargo-clippy" ] && [ -x "$sysroot/bin/rustfmt" ]
}
complete && exit 0

echo "==> installing Rust $channel with ${components[*]} ${targets[*]}" >&2
rustup toolchain install "$channel" --profile minimal --no-self-update \
    "${components[@]/#/--component=}" "${targets[@]/#/--target=}" >&2

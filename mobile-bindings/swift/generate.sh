#!/usr/bin/env bash
# Builds the host libraries and writes the Swift package's sources into Sources/Generated.
# Prints the folder of the libraries, for `swift test -Xlinker -L…`.
set -euo pipefail
cd "$(dirname "$0")/../.."

sources=mobile-bindings/swift/Sources/Generated
native=$(mobile-bindings/generate.sh swift "$sources")
for name in VsysCold VsysHot; do
    mkdir -p "$sources/$name" "$sources/${name}FFI/include"
    mv "$sources/$name.swift" "$sources/$name/"
    mv "$sources/${name}FFI.h" "$sources/${name}FFI/include/"
    mv "$sources/${name}FFI.modulemap" "$sources/${name}FFI/include/module.modulemap"
    # A C target has at least one source.
    echo "#include \"${name}FFI.h\"" >"$sources/${name}FFI/${name}FFI.c"
done
echo "$native"

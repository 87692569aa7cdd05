// swift-tools-version:5.9
// The phone wallets' Rust cores for Swift. `generate.sh` writes the sources; README.md says how to link them.

import PackageDescription

/// A module of generated Swift over a C module of the same library.
func module(_ name: String, library: String) -> [Target] {
    [
        .target(
            name: "\(name)FFI",
            path: "Sources/Generated/\(name)FFI",
            linkerSettings: [.linkedLibrary(library)]
        ),
        .target(name: name, dependencies: [.target(name: "\(name)FFI")], path: "Sources/Generated/\(name)"),
    ]
}

let package = Package(
    name: "VsysMobile",
    platforms: [.iOS(.v15), .macOS(.v12)],
    products: [
        .library(name: "VsysCold", targets: ["VsysCold"]),
        .library(name: "VsysHot", targets: ["VsysHot"]),
    ],
    targets: module("VsysCold", library: "mobile_cold") + module("VsysHot", library: "mobile_hot") + [
        .testTarget(name: "VsysMobileTests", dependencies: ["VsysCold", "VsysHot"], path: "Tests")
    ]
)

// swift-tools-version: 6.2
import PackageDescription

// libFuzzer over the relay's pure parsers (`deploy/fuzz`). A package of its own, with the parsers' sources linked in, so
// that neither their instrumented objects nor the gateway's dependencies are built for the other.

/// Address sanitizer finds what an optimised build's unsafe memory would not trap on.
let sanitized = ["-sanitize=fuzzer,address"]
let ours: [SwiftSetting] = [
    .swiftLanguageMode(.v6), .treatAllWarnings(as: .error), .unsafeFlags(sanitized + ["-parse-as-library"]),
]

func fuzzer(_ name: String) -> Target {
    .executableTarget(
        name: name, dependencies: ["Fuzzer", "RelayProtocol", "SessionModel"], swiftSettings: ours,
        // gold, the default linker, fails on what address sanitizer makes.
        linkerSettings: [.unsafeFlags(sanitized + ["-use-ld=lld"])])
}

let package = Package(
    name: "Fuzz",
    targets: [
        .target(name: "SessionModel", swiftSettings: ours),
        .target(name: "RelayProtocol", dependencies: ["SessionModel"], swiftSettings: ours),
        .target(name: "Fuzzer", swiftSettings: ours),
        fuzzer("fuzz-opening"), fuzzer("fuzz-head"), fuzzer("fuzz-frames"), fuzzer("fuzz-messages"),
    ]
)

// swift-tools-version: 6.2
import PackageDescription

// Arrows point downward only: program → use case → adapter → pure. `deploy/test` checks it
// (docs/architecture.md, "Targets").

/// What every target of ours is compiled with; `deploy/test` asks for warnings as errors.
let ours: [SwiftSetting] =
    [.swiftLanguageMode(.v6)]
    + (Context.environment["MAXWELL_STRICT"] == nil ? [] : [.treatAllWarnings(as: .error)])

/// A program that must run on a machine without the Swift runtime, and start in a millisecond.
let standalone: [LinkerSetting] = [
    .unsafeFlags(
        ["-static-executable", "-l_FoundationCollections", "-l_FoundationCShims", "-lswiftSynchronization"],
        .when(platforms: [.linux]))
]

let package = Package(
    name: "maxwell",
    products: [
        .executable(name: "maxwell", targets: ["maxwell"]),
        .executable(name: "maxwelld", targets: ["maxwelld"]),
        .executable(name: "maxwell-host", targets: ["maxwell-host"]),
        .executable(name: "maxwell-relay", targets: ["maxwell-relay"]),
        .executable(name: "maxwell-web", targets: ["maxwell-web"]),
        .executable(name: "maxwell-bench", targets: ["maxwell-bench"]),
        .executable(name: "maxwell-bench-relay", targets: ["maxwell-bench-relay"]),
        .executable(name: "maxwell-admin", targets: ["maxwell-admin"]),
        .executable(name: "maxwell-stress", targets: ["maxwell-stress"]),
    ],
    dependencies: [
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2", traits: []),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
    ],
    targets: [
        // System libraries, and what Swift cannot say.
        .systemLibrary(name: "CMariaDB", pkgConfig: "libmariadb", providers: [.apt(["libmariadb-dev"])]),
        .systemLibrary(name: "CLDAP", pkgConfig: "ldap", providers: [.apt(["libldap-dev"])]),
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        .target(name: "CLinux"),

        // Pure: no I/O, no clock.
        .target(name: "SessionModel", swiftSettings: ours),
        .target(name: "ControlProtocol", dependencies: ["SessionModel"], swiftSettings: ours),
        .target(name: "HostProtocol", dependencies: ["SessionModel"], swiftSettings: ours),
        .target(name: "RelayProtocol", dependencies: ["SessionModel"], swiftSettings: ours),
        .target(
            name: "SettingsFile", dependencies: ["SessionModel", .product(name: "Yams", package: "Yams")],
            swiftSettings: ours),
        .target(
            name: "Stress", dependencies: ["SessionModel", .product(name: "Histogram", package: "hdrhistogram-swift")],
            swiftSettings: ours),

        // Adapters: one outside system each.
        .target(name: "UnixSockets", swiftSettings: ours),
        .target(
            name: "ControlSocket", dependencies: ["CLinux", "ControlProtocol", "SessionModel", "UnixSockets"],
            swiftSettings: ours),
        .target(
            name: "SessionStore", dependencies: ["CMariaDB", "SessionModel"], resources: [.embedInCode("sql")],
            swiftSettings: ours),
        .target(name: "ServiceAccount", dependencies: ["SessionModel"], swiftSettings: ours),
        .target(name: "ChildPrograms", dependencies: ["CLinux"], swiftSettings: ours),
        .target(name: "LDAPDirectory", dependencies: ["CLDAP", "SessionModel"], swiftSettings: ours),
        .target(
            name: "HostAccess",
            dependencies: [
                "HostProtocol", "SessionModel", "UnixSockets",
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
            ], swiftSettings: ours),
        .target(
            name: "Notices",
            dependencies: [
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
            ], swiftSettings: ours),
        .target(
            name: "Isolation", dependencies: ["CLinux", "HostProtocol", "SessionModel", "UnixSockets"],
            swiftSettings: ours),
        .target(
            name: "ViewRelay",
            dependencies: [
                "COpenSSL", "CLinux", "ControlProtocol", "ControlSocket", "RelayProtocol", "SessionModel",
                "UnixSockets",
            ],
            swiftSettings: ours),
        .target(name: "ViewClient", dependencies: ["COpenSSL", "RelayProtocol", "SessionModel"], swiftSettings: ours),
        .target(
            name: "StressLoad",
            dependencies: [
                "CLinux", "COpenSSL", "ChildPrograms", "ControlProtocol", "ControlSocket", "RelayProtocol",
                "SessionModel", "Stress", "UnixSockets", "ViewClient",
            ], swiftSettings: ours),
        .target(name: "StressFaults", dependencies: ["ChildPrograms", "SessionModel", "Stress"], swiftSettings: ours),

        // Use cases.
        .target(
            name: "SessionControl",
            dependencies: [
                "ControlProtocol", "ControlSocket", "HostAccess", "HostProtocol", "LDAPDirectory", "Notices",
                "SessionModel", "SessionStore", "SettingsFile",
                .product(name: "Logging", package: "swift-log"),
            ], swiftSettings: ours),
        .target(
            name: "GatewayWeb",
            dependencies: [
                "CLinux", "ControlProtocol", "ControlSocket", "SessionModel",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
            ], resources: [.embedInCode("pages")], swiftSettings: ours),

        // Programs.
        .executableTarget(
            name: "maxwell", dependencies: ["ControlProtocol", "ControlSocket", "SessionModel"],
            swiftSettings: ours, linkerSettings: standalone),
        .executableTarget(
            name: "maxwelld",
            dependencies: [
                "CLinux", "ControlSocket", "LDAPDirectory", "SessionControl", "SessionModel", "SessionStore",
                "SettingsFile",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ], swiftSettings: ours),
        .executableTarget(
            name: "maxwell-host", dependencies: ["HostProtocol", "Isolation", "SessionModel"],
            swiftSettings: ours, linkerSettings: standalone),
        .executableTarget(
            name: "maxwell-relay",
            dependencies: [
                "ControlSocket", "ServiceAccount", "SessionModel", "SettingsFile", "ViewRelay",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ], swiftSettings: ours),
        .executableTarget(
            name: "maxwell-web",
            dependencies: [
                "GatewayWeb", "ServiceAccount", "SessionModel", "SettingsFile",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ], swiftSettings: ours),
        .executableTarget(
            name: "maxwell-bench",
            dependencies: [
                "ChildPrograms", "SessionModel", "ViewClient",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ], swiftSettings: ours),
        .executableTarget(
            name: "maxwell-bench-relay",
            dependencies: [
                "CLinux", "COpenSSL", "RelayProtocol",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ], swiftSettings: ours),
        .executableTarget(
            name: "maxwell-admin",
            dependencies: [
                "ControlProtocol", "ControlSocket", "HostProtocol", "SessionModel",
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
            ], swiftSettings: ours),
        .executableTarget(
            name: "maxwell-stress",
            dependencies: [
                "ControlProtocol", "ControlSocket", "SessionModel", "Stress", "StressFaults", "StressLoad",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ], swiftSettings: ours),

        // Real servers, started privately once a run; and the tests.
        .target(
            name: "TestServers", dependencies: ["UnixSockets"], path: "Tests/TestServers", swiftSettings: ours),
        .testTarget(name: "SessionModelTests", dependencies: ["SessionModel"], swiftSettings: ours),
        .testTarget(
            name: "ControlProtocolTests", dependencies: ["ControlProtocol", "SessionModel"], swiftSettings: ours),
        .testTarget(
            name: "ContractTests", dependencies: ["ControlProtocol", "ControlSocket", "SessionModel", "UnixSockets"],
            exclude: ["Fixtures"], swiftSettings: ours),
        .testTarget(name: "UnixSocketsTests", dependencies: ["UnixSockets"], swiftSettings: ours),
        .testTarget(name: "ChildProgramsTests", dependencies: ["ChildPrograms"], swiftSettings: ours),
        .testTarget(name: "HostProtocolTests", dependencies: ["HostProtocol", "SessionModel"], swiftSettings: ours),
        .testTarget(name: "RelayProtocolTests", dependencies: ["RelayProtocol", "SessionModel"], swiftSettings: ours),
        .testTarget(
            name: "SettingsFileTests",
            dependencies: ["SettingsFile", "SessionModel", .product(name: "Yams", package: "Yams")], swiftSettings: ours
        ),
        .testTarget(
            name: "SessionStoreTests", dependencies: ["SessionStore", "SessionModel", "TestServers"],
            swiftSettings: ours),
        .testTarget(
            name: "SessionControlTests",
            dependencies: [
                "ControlProtocol", "ControlSocket", "HostAccess", "HostProtocol", "LDAPDirectory", "SessionControl",
                "SessionModel", "SessionStore", "SettingsFile", "TestServers",
                .product(name: "Logging", package: "swift-log"),
            ],
            exclude: ["scripted_agent.py"],
            swiftSettings: ours),
        .testTarget(
            name: "GatewayWebTests",
            dependencies: [
                "ControlProtocol", "ControlSocket", "GatewayWeb", "SessionModel",
                .product(name: "Logging", package: "swift-log"),
            ], swiftSettings: ours),
        .testTarget(name: "NoticesTests", dependencies: ["Notices", "TestServers"], swiftSettings: ours),
        .testTarget(
            name: "LDAPDirectoryTests", dependencies: ["LDAPDirectory", "SessionModel", "TestServers"],
            swiftSettings: ours),
        .testTarget(
            name: "HostAccessTests", dependencies: ["HostAccess", "HostProtocol", "SessionModel", "TestServers"],
            exclude: ["hostile_agent.py"], swiftSettings: ours),
        .testTarget(
            name: "IsolationTests",
            dependencies: ["Isolation", "HostProtocol", "SessionModel", "TestServers", "UnixSockets"],
            swiftSettings: ours),
        .testTarget(
            name: "ViewRelayTests",
            dependencies: [
                "ViewRelay", "ViewClient", "RelayProtocol", "ControlProtocol", "ControlSocket", "SessionModel",
                "TestServers",
            ],
            exclude: [
                "churn_field.py", "foreign_field.py", "native_field.py", "relay_field.py", "routes_field.py",
                "upkeep_field.py",
            ],
            swiftSettings: ours),
        .testTarget(
            name: "StressTests", dependencies: ["ChildPrograms", "SessionModel", "Stress", "StressFaults"],
            swiftSettings: ours),
        .testTarget(
            name: "StressLoadTests",
            dependencies: [
                "ControlProtocol", "ControlSocket", "RelayProtocol", "SessionModel", "Stress", "StressLoad",
                "TestServers",
            ],
            swiftSettings: ours),
        .testTarget(
            name: "EndToEndTests",
            dependencies: ["SessionModel", "StressFaults", "TestServers", "ViewClient"],
            exclude: ["attacks.py", "hostile_host.py", "kill_at_message.py", "visitors.py"],
            swiftSettings: ours),
    ]
)

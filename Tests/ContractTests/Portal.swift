import Foundation

/// A portal's page that runs `maxwell`: php, the wrapper of `deploy/`, the built program.
struct Portal {
    /// What the page made of it.
    struct Understanding: Decodable {
        var raw: String
        var status: Int32
        var lines: [String]
        var error: String?
        var success: Bool
        var flat: Bool
        var session: String?
        var viewers: [String: [String: String]]?

        /// Every byte that came, standard error merged in.
        var text: String { String(decoding: Data(base64Encoded: raw) ?? Data(), as: UTF8.self) }
    }

    /// Who writes the command line: the site escapes it as a whole, the administrator's pages do not.
    enum Way: String { case site, plain }

    let socket: String

    /// Runs one command line as the portal writes it.
    func run(_ arguments: String, _ way: Way = .site) throws -> Understanding {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("mw-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let script = folder.appendingPathComponent("mw")
        try String(contentsOf: Self.source.appendingPathComponent("deploy/mw"), encoding: .utf8)
            .replacingOccurrences(of: "/usr/bin/maxwell", with: Self.built("maxwell"))
            .write(to: script, atomically: true, encoding: .utf8)
        let fixture = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("Fixtures/portal.php")
        let (data, _, _) = try Program.run(
            "/usr/bin/php", ["-n", fixture.path, script.path, way.rawValue, arguments],
            environment: ["MAXWELL_SOCKET": socket, "PATH": "/usr/bin:/bin"])
        return try JSONDecoder().decode(Understanding.self, from: data)
    }

    /// The package's folder.
    static let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// A program of this build: beside the test's own.
    static func built(_ name: String) -> String {
        URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
            .appendingPathComponent(name).path
    }
}

/// A program run to its end.
enum Program {
    /// Its output, what it complained of, and its exit status.
    static func run(
        _ path: String, _ arguments: [String], environment: [String: String], input: String = ""
    ) throws -> (output: Data, complaint: Data, status: Int32) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        process.environment = environment
        let output = Pipe()
        let complaint = Pipe()
        let given = Pipe()
        process.standardOutput = output
        process.standardError = complaint
        process.standardInput = given
        try process.run()
        given.fileHandleForWriting.write(Data(input.utf8))
        try given.fileHandleForWriting.close()
        let told = output.fileHandleForReading.readDataToEndOfFile()
        let complained = complaint.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (told, complained, process.terminationStatus)
    }
}

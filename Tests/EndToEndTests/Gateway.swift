import Foundation
import SessionModel
import StressFaults
import Testing
import ViewClient

/// What a test needs is not there, or did not happen in time.
struct Missing: Error, CustomStringConvertible {
    let description: String
}

/// What a program printed, both streams together as the portal reads them, and its exit status.
struct Answer {
    let output: String
    let status: Int32
}

/// The gateway that deploy/test started; everything is told by the environment, and what is missing fails the test.
enum Gateway {
    static func setting(_ name: String) throws -> String {
        guard let value = ProcessInfo.processInfo.environment[name], !value.isEmpty else {
            throw Missing(description: "\(name) is not set: run the end-to-end tests by deploy/test")
        }
        return value
    }

    static var port: Int {
        get throws {
            guard let port = Int(try setting("MAXWELL_PORT")) else { throw Missing(description: "MAXWELL_PORT") }
            return port
        }
    }

    /// The checkout's folder.
    static var checkout: URL {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
    }

    /// Where the quick start keeps its data.
    static var data: URL {
        get throws {
            URL(fileURLWithPath: try setting("MAXWELL_CONFIG")).deletingLastPathComponent().deletingLastPathComponent()
        }
    }

    /// The quick start that deploy/test started; throws where its hosts are plain.
    static var quickStart: QuickStart {
        get throws { try QuickStart(environment: ProcessInfo.processInfo.environment) }
    }

    /// Whether the hosts have no cgroups, networks and disks of their own.
    static var hostsArePlain: Bool { get throws { try recorded("isolation") == "none" } }

    /// What the quick start remembers under `name`.
    static func recorded(_ name: String) throws -> String {
        let text = try String(contentsOfFile: try setting("MAXWELL_STATE") + "/record/\(name)", encoding: .utf8)
        return text.trimmingCharacters(in: .newlines)
    }

    /// The process that the quick start recorded under `name`.
    static func process(_ name: String) throws -> pid_t {
        guard let pid = try recorded("process/\(name)").split(separator: " ").first.flatMap({ pid_t($0) }) else {
            throw Missing(description: "no process \(name) is recorded")
        }
        return pid
    }

    /// Where pictures for people are kept.
    static func screenshot(_ name: String) throws -> String {
        let folder = checkout.appendingPathComponent(".build/screenshots")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return folder.appendingPathComponent(name).path
    }

    /// Runs a command found by PATH.
    static func run(_ words: [String]) throws -> Answer {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = words
        let pipe = Pipe()
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return Answer(output: String(decoding: output, as: UTF8.self), status: process.terminationStatus)
    }

    static func maxwell(_ words: String...) throws -> Answer {
        _ = try setting("MAXWELL_SOCKET")
        return try run(["maxwell"] + words)
    }

    /// `maxwell` as somebody else of this machine: an account's name, or the uid of nobody.
    static func maxwell(as caller: String, _ words: [String]) throws -> Answer {
        let groups = UInt32(caller) == nil ? "--init-groups" : "--clear-groups"
        let program = try data.appendingPathComponent("bin/maxwell").path
        return try run(
            [
                "setpriv", "--reuid", caller, "--regid", caller, groups, "env",
                "MAXWELL_SOCKET=\(try setting("MAXWELL_SOCKET"))", program,
            ] + words)
    }

    static func quickstart(_ words: String...) throws {
        let answer = try run([checkout.appendingPathComponent("deploy/quickstart").path] + words)
        guard answer.status == 0 else { throw Missing(description: answer.output) }
    }

    /// The rows of a statement, columns apart by tabs.
    static func sql(_ statement: String) throws -> [String] {
        let client = try setting("MAXWELL_SQL").split(separator: " ").map(String.init)
        let answer = try run(client + ["-N", "-e", statement])
        guard answer.status == 0 else { throw Missing(description: answer.output) }
        return answer.output.split(separator: "\n").map(String.init)
    }

    /// Asks again until it is so.
    static func eventually(
        _ what: String, within patience: Duration = .seconds(20), _ condition: () throws -> Bool
    ) throws {
        let end = ContinuousClock.now + patience
        while try !condition() {
            guard ContinuousClock.now < end else { throw Missing(description: "not in time: \(what)") }
            usleep(50_000)
        }
    }

    /// Starts a session as the portal does.
    static func start(user: String = "alice", app: String = "xterm") throws -> String {
        let answer = try maxwell("start", "user=\(user)", "ip=127.0.0.1", "app=\(app)", "version=1")
        let words = answer.output.split(whereSeparator: \.isWhitespace)
        guard answer.status == 0, words.count == 3, answer.output.hasPrefix("Session is ") else {
            throw Missing(description: "start said: \(answer.output)")
        }
        return String(words[2])
    }

    /// A session for as long as `body` runs.
    static func withSession(
        user: String = "alice", app: String = "xterm", _ body: (String) throws -> Void
    ) throws {
        let number = try start(user: user, app: app)
        defer { _ = try? maxwell("stop", number) }
        try body(number)
    }

    /// What `view` printed.
    static func view(_ number: String, user: String = "alice", readOnly: Bool = false) throws -> [String: Any] {
        let words = ["maxwell", "view", "user=\(user)", "ip=127.0.0.1", "sess=\(number)"]
        let answer = try run(words + (readOnly ? ["readonly=1"] : []))
        let object = try? JSONSerialization.jsonObject(with: Data(answer.output.utf8))
        guard answer.status == 0, let keys = object as? [String: Any] else {
            throw Missing(description: "view said: \(answer.output)")
        }
        return keys
    }

    /// A viewer with the token and password of `view`.
    static func viewer(
        _ number: String, by way: WayIn = .webSocketBinary, user: String = "alice", readOnly: Bool = false
    ) throws -> Viewer {
        let keys = try view(number, user: user, readOnly: readOnly)
        guard let token = keys["token"] as? String, let hex = keys["encpassword"] as? String else {
            throw Missing(description: "view gave no token or no encpassword")
        }
        return try viewer(token: token, by: way, password: try password(of: hex))
    }

    /// A viewer with any token; the clear CONNECT has a certificate that nobody signed.
    static func viewer(token: String, by way: WayIn, password: Secret? = nil) throws -> Viewer {
        let trust: Trust = way == .connectInClear ? .anyone : .authority(file: try setting("MAXWELL_CA"))
        return try Viewer.open(
            way, host: "127.0.0.1", port: try port, token: Secret(token), trust: trust, password: password)
    }

    /// The password behind `encpassword`, as the portal finds it: DES with the key that every VNC program knows.
    static func password(of hex: String) throws -> Secret {
        let answer = try run([
            "/bin/sh", "-c",
            "printf %s \"$1\" | xxd -r -p | openssl enc -d -des-ecb -provider legacy -K e84ad660c4721ae0 -nopad", "sh",
            hex,
        ])
        guard answer.status == 0, answer.output.utf8.count == 8 else { throw Missing(description: answer.output) }
        return Secret(answer.output)
    }

    /// A ticket and its address.
    static func ticket(_ number: String, _ options: String...) throws -> (ticket: String, address: String) {
        let answer = try run(["maxwell", "ticket", number, "--json"] + options)
        let object = try? JSONSerialization.jsonObject(with: Data(answer.output.utf8))
        guard let keys = object as? [String: Any], let ticket = keys["ticket"] as? String,
            let address = keys["address"] as? String
        else { throw Missing(description: "ticket said: \(answer.output)") }
        return (ticket, address)
    }
}

extension Viewer {
    /// Fills the terminal under the pointer with a colour of ANSI, 1 red, 2 green; xterm shows them as below. It waits
    /// for the terminal first: keys that come before there is a window are nobody's.
    func paintTerminal(_ colour: Int) throws {
        _ = try frame { $0.distinctColours > 1 }
        try point(x: 60, y: 60)
        try type("printf '\\033[4\(colour)m\\033[2J'\n")
    }
}

/// xterm's red and green.
let red: UInt32 = 0xcd0000
let green: UInt32 = 0x00cd00

import Foundation
import SessionModel
import Synchronization
import TestServers

@testable import StressLoad

/// The built relay on a routes file, with real Xvncs and an xterm on each behind it; and words that a gateway would answer.
final class RelayRig: Sendable {
    let port: Int
    private let relay: WatchedProcess
    private let displays: [WatchedProcess]
    private let desktop: ScriptedDesktop?
    private let folder: PrivateFolder

    /// The token that leads to display `number`, counted from 1.
    static func token(_ number: UInt64) -> Secret {
        let digits = String(number)
        return Secret(String(repeating: "0", count: 32 - digits.count) + digits)
    }

    static let password = "testtest"
    private static let rigs = Atomic(0)

    /// With so many displays, of which the last asks for no password: a relay that asks no controller knows none to let a
    /// native viewer in with. `isPlayed`: none is an Xvnc; `isDeaf`: and keys change nothing.
    init(displays count: Int, isPlayed: Bool = false, isDeaf: Bool = false) throws {
        folder = try PrivateFolder(prefix: "mwsl")
        let made = try runCommand([
            "/usr/bin/openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-days",
            "2", "-subj", "/CN=relay", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", folder.file("key"), "-out",
            folder.file("crt"),
        ])
        guard made.status == 0 else { throw TestServerError(made.errors) }
        // What vncpasswd(1) would write.
        let digits = Array(VNCPassword.obfuscated(Secret(Self.password)).utf8)
        let secret = stride(from: 0, to: 16, by: 2).compactMap {
            UInt8(String(decoding: digits[$0..<$0 + 2], as: UTF8.self), radix: 16)
        }
        guard FileManager.default.createFile(atPath: folder.file("passwd"), contents: Data(secret)) else {
            throw TestServerError("no password file")
        }
        let folder = folder
        desktop = isPlayed ? try ScriptedDesktop(path: folder.file("played.sock"), isDeaf: isDeaf) : nil
        displays = try (isPlayed ? [] : Array(1...count)).flatMap { place in
            let number = 4000 + Int(getpid()) % 20_000 + Self.rigs.add(1, ordering: .relaxed).newValue
            let socket = folder.file("\(place).sock")
            let display = try WatchedProcess(
                [
                    "/usr/bin/Xvnc", ":\(number)", "-geometry", "640x480", "-depth", "24", "-nolisten", "tcp",
                    "-rfbunixpath", socket, "-rfbport", "-1", "-SecurityTypes",
                    place == count ? "None" : "VncAuth", "-PasswordFile",
                    folder.file("passwd"), "-AlwaysShared", "-extension", "GLX", "-ac",
                ], log: folder.file("\(place).log"))
            try display.waitUntil { FileManager.default.fileExists(atPath: socket) }
            let terminal = try WatchedProcess(
                ["/usr/bin/xterm", "-display", ":\(number)", "-geometry", "100x35+0+0", "-e", "/bin/cat"],
                log: folder.file("terminal\(place).log"))
            return [terminal, display]
        }
        let routes = (1...count).map { place in
            "\(Self.token(UInt64(place)).exposed) rfb unix:\(folder.file(isPlayed ? "played.sock" : "\(place).sock"))\n"
        }
        try routes.joined().write(toFile: folder.file("routes"), atomically: true, encoding: .utf8)
        let relayLog = folder.file("relay.log")
        relay = try WatchedProcess(
            [
                builtProgram("maxwell-relay"), "--listen", "127.0.0.1:0", "--cert", folder.file("crt"), "--key",
                folder.file("key"), "--routes", folder.file("routes"), "--tls-timeout", "2", "--opening-timeout", "2",
            ], log: relayLog, removing: folder)
        try relay.waitUntil { Self.announced(relayLog) != nil }
        guard let port = Self.announced(relayLog) else { throw TestServerError("no port") }
        self.port = port
    }

    func stop() {
        desktop?.stop()
        for process in displays + [relay] { process.stop() }
    }

    /// What the relay wrote.
    var log: String { relay.logEnd }

    private static func announced(_ log: String) -> Int? {
        let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
        let words = text.split { " \"\n".contains($0) }
        let address = words.first { $0.hasPrefix("127.0.0.1:") }
        return address.flatMap { Int($0.dropFirst("127.0.0.1:".count)) }
    }
}

/// A gateway whose sessions are the rig's displays.
final class RigWords: GatewayWords {
    struct Said: Sendable {
        var starts = 0
        var views = 0
        var tickets = 0
        var stops: [UInt64] = []
        var running = 0
        var mostRunning = 0
    }

    private let port: Int
    private let book = AddressBook()
    private let said = Mutex(Said())
    /// What stops answer before one is granted.
    private let stopFailures: Mutex<[WordFailure]>
    /// Seconds a start takes.
    private let delay: Double

    init(port: Int, delay: Double = 0, stopFailures: [WordFailure] = []) {
        self.port = port
        self.delay = delay
        self.stopFailures = Mutex(stopFailures)
    }

    var account: Said { said.withLock { $0 } }

    func speaker() -> any Speaker { RigSpeaker(self) }

    fileprivate func answer(_ word: Word) throws(WordFailure) -> WordAnswer {
        switch word {
        case .start(_, let application, _):
            let number = said.withLock { said in
                said.starts += 1
                said.running += 1
                said.mostRunning = max(said.mostRunning, said.running)
                return UInt64(said.starts)
            }
            if delay > 0 { usleep(UInt32(delay * 1e6)) }
            said.withLock { $0.running -= 1 }
            guard application != "none" else {
                throw WordFailure(sentence: "There is no application 1.", isPassing: false)
            }
            return .started(number)
        case .view(let session, _):
            said.withLock { $0.views += 1 }
            return .view(
                try book.door(
                    "127.0.0.1", port, browserPort: port, token: RelayRig.token(session),
                    password: Secret(RelayRig.password)))
        case .ticket(let session, _):
            said.withLock { $0.tickets += 1 }
            return .ticket(RelayRig.token(session))
        case .stop(let session):
            if let failure = stopFailures.withLock({ $0.popLast() }) { throw failure }
            said.withLock { $0.stops.append(session) }
            return .stopped
        }
    }

    private final class RigSpeaker: Speaker {
        private let words: RigWords
        init(_ words: RigWords) { self.words = words }
        func say(_ word: Word) throws(WordFailure) -> WordAnswer { try words.answer(word) }
    }
}

import ChildPrograms
import Foundation
import Glibc
import Stress
import Synchronization
import Testing

@testable import StressFaults

/// A quick start as far as faults see it: its records, its command, a `maxwell` and a database client that answer as the
/// whole gateway does. Its daemons are processes that sleep; for the relay something else answers.
final class PretendQuickStart {
    let folder: String
    private let door: Int32
    var environment: [String: String] {
        [
            "MAXWELL_STATE": "\(folder)/state", "MAXWELL_SQL": "\(folder)/sql",
            "MAXWELL_SOCKET": "\(folder)/run/c/control.sock",
        ]
    }

    init() throws {
        var template = Array("/tmp/mwqsXXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { throw POSIXError(.EIO) }
        folder = String(cString: made)
        let port: UInt16
        (door, port) = try Self.answering()
        for name in ["state/record/process", "checkout/deploy", "data/bin", "run/c"] {
            try FileManager.default.createDirectory(
                atPath: "\(folder)/\(name)", withIntermediateDirectories: true)
        }
        for (name, value) in [
            ("data", "\(folder)/data"), ("run", "\(folder)/run"), ("hash", "abc123"),
            ("checkout", "\(folder)/checkout"), ("complete", "yes"), ("isolation", "container"),
            ("port", "\(port)"),
        ] {
            try record(name, value)
        }
        try program(
            "checkout/deploy/quickstart",
            """
            echo "$*" >>\(folder)/told
            case $1 in
            --restart)
                setsid sleep 600 </dev/null >/dev/null 2>&1 &
                echo "$! $(cut -d' ' -f22 /proc/$!/stat)" >\(folder)/state/record/process/$2
                ;;
            --names) cat \(folder)/names ;;
            esac
            """)
        try program(
            "data/bin/maxwell",
            """
            echo "maxwell $*" >>\(folder)/told
            if [ "$1" = hosts ]; then
                echo '[{"host":"exec1","status":"up","connected":true},{"host":"exec2","status":"up","connected":true}]'
            fi
            """)
        try program("sql", "case \"$3\" in 'SELECT CONCAT'*) echo 'exec1 7' ;; esac")
        try Data("here: file a\nexec1: cgroup maxwell/display-7-0a\n".utf8).write(
            to: URL(fileURLWithPath: "\(folder)/names"))
        for daemon in ["maxwelld", "maxwell-web", "maxwell-relay", "mariadb"] {
            #expect(
                ChildProgram.run(["\(folder)/checkout/deploy/quickstart", "--restart", daemon], within: 10).status == 0)
        }
        unlink("\(folder)/told")
    }

    deinit {
        for daemon in ["maxwelld", "maxwell-web", "maxwell-relay", "mariadb"] {
            if let process = try? pid(daemon) { kill(process, SIGKILL) }
        }
        shutdown(door, Int32(SHUT_RDWR))
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// A door that answers everyone as a relay answers who comes in clear, until it is shut down.
    private static func answering() throws -> (door: Int32, port: UInt16) {
        let door = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isOpen = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(door, $0, size) == 0 && listen(door, 16) == 0 && getsockname(door, $0, &size) == 0
            }
        }
        guard isOpen else { throw POSIXError(.EADDRINUSE) }
        Thread.detachNewThread {
            var question = [UInt8](repeating: 0, count: 1024)
            let answer = Array("HTTP/1.1 301 Moved Permanently\r\n\r\n".utf8)
            while true {
                let peer = accept(door, nil, nil)
                if peer < 0 { break }
                _ = recv(peer, &question, question.count, 0)
                _ = send(peer, answer, answer.count, Int32(MSG_NOSIGNAL))
                close(peer)
            }
            close(door)
        }
        return (door, UInt16(bigEndian: address.sin_port))
    }

    func record(_ name: String, _ value: String) throws {
        try Data((value + "\n").utf8).write(to: URL(fileURLWithPath: "\(folder)/state/record/\(name)"))
    }

    func program(_ name: String, _ text: String) throws {
        try Data(("#!/bin/bash\n" + text + "\n").utf8).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
        guard chmod("\(folder)/\(name)", 0o755) == 0 else { throw POSIXError(.EIO) }
    }

    func pid(_ daemon: String) throws -> pid_t {
        let text = try String(contentsOfFile: "\(folder)/state/record/process/\(daemon)", encoding: .utf8)
        return try #require(text.split(separator: " ").first.flatMap { pid_t($0) })
    }

    /// What its command and its `maxwell` were told, without questions about hosts.
    var told: [String] {
        let text = (try? String(contentsOfFile: "\(folder)/told", encoding: .utf8)) ?? ""
        return text.split(separator: "\n").map(String.init).filter { $0 != "maxwell hosts --json" }
    }

    var journal: String? { try? String(contentsOfFile: "\(folder)/state/record/stress-faults", encoding: .utf8) }

    /// Carries `entries` out to their end.
    func run(_ entries: [FaultSchedule.Entry]) throws -> (problems: [Observation.Failure], seen: [Observation]) {
        let seen = Seen()
        let run = FaultRun(
            FaultSchedule(entries: entries), in: try QuickStart(environment: environment), began: .now,
            tell: { seen.add($0) })
        run.start()
        return (run.finish(), seen.all)
    }
}

/// What a run told, from whichever thread.
final class Seen: Sendable {
    private let observations = Mutex<[Observation]>([])
    func add(_ observation: Observation) { observations.withLock { $0.append(observation) } }
    var all: [Observation] { observations.withLock { $0 } }
}

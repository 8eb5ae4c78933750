import Foundation
import Testing

/// What an administrator runs before a class comes, in short forms (deploy/stress runs them in full).
extension EndToEnd {
    /// Every table that tells a portal of a stress user, each with the column that names the user.
    private static let tables = [
        "session": "username", "sessionlog": "username", "view": "username", "viewlog": "username",
        "viewperm": "viewuser", "mw_session": "owner",
    ]

    /// Rows of stress users.
    private func stressRows() throws -> [String] {
        try Self.tables.sorted { $0.key < $1.key }.flatMap { table, column in
            try Gateway.sql("SELECT CONCAT('\(table): ', \(column)) FROM \(table) WHERE \(column) LIKE 'stress-%'")
        }
    }

    /// A run that has to meet what it requires, and to leave the gateway as it was; what its report says.
    @discardableResult
    private func stress(_ words: String..., requiring: [String], settled: Duration = .seconds(60)) throws -> [String:
        Any]
    {
        try Gateway.awaitReady()
        let before = try Traces()
        let folder = try Gateway.data.appendingPathComponent("stress-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let json = folder.appendingPathComponent("result.json")
        let html = folder.appendingPathComponent("result.html")
        let answer = try Gateway.run(
            ["timeout", "--signal=INT", "--kill-after=60", "180", "maxwell", "stress"] + words
                + requiring.flatMap { ["--require", $0] } + ["--json", json.path, "--html", html.path])
        #expect(answer.status == 0, "\(answer.output)")
        print(answer.output.split(separator: "\n").last.map(String.init) ?? "maxwell stress said nothing")
        try Gateway.awaitHosts()
        try before.expectNoMore(within: settled)
        #expect(try stressRows().isEmpty)
        let page = try String(contentsOf: html, encoding: .utf8)
        #expect(page.lowercased().hasPrefix("<!doctype html>") && page.contains("<svg") && !page.contains("<script"))
        let report = try JSONSerialization.jsonObject(with: try Data(contentsOf: json))
        return try #require(report as? [String: Any])
    }

    @Test(
        "many synthetic sessions, one after the other in quick succession, each with a viewer: all are served, nothing is left"
    )
    func stressSynthetic() throws {
        try stress(
            "--synthetic", "--sessions", "100", "--rate", "25/s", "--hold", "10s", "--viewers", "1", "--ways",
            "websocket:8,connect:1,native:1", "--behaviours", "watcher:8,typist:2",
            requiring: ["failures=0", "started=100", "unseen=0", "start.p99<=2s", "ledger.mismatches=0", "leftovers=0"])
    }

    @Test("real sessions at the same instant: all are up, nothing is left")
    func stressBurst() throws {
        try stress(
            "--burst", "16", "--hold", "5s", "--viewers", "1", "--via", "cli",
            requiring: ["failures=0", "started=16", "unseen=0", "up<=20s", "ledger.mismatches=0", "leftovers=0"])
    }

    @Test("real sessions alive together: all are up, with a figure of what each takes")
    func stressTogether() throws {
        let report = try stress(
            "--sessions", "24", "--rate", "4/s", "--hold", "12s", "--viewers", "0.5", "--behaviours", "watcher,typist",
            requiring: ["failures=0", "started=24", "alive=24", "unseen=0", "ledger.mismatches=0", "leftovers=0"])
        let hosts = try #require(report["hosts"] as? [String: [String: Any]])
        #expect(hosts.keys.sorted() == ["exec1", "exec2"])
        #expect(hosts.values.compactMap { $0["sessionsMost"] as? Int }.reduce(0, +) >= 20, "\(hosts)")
    }

    @Test("viewers that are all cut at one moment are all back in time")
    func stressStorm() throws {
        try stress(
            "--profile", "storm", "--synthetic", "--sessions", "100", "--rate", "50/s", "--hold", "8s",
            requiring: [
                "failures=0", "unseen=0", "returned=100", "reconnect.max<=5s", "ledger.mismatches=0", "leftovers=0",
            ])
    }

    @Test("a day with faults: every one heals, the ledger is right, nothing is left")
    func stressFaults() throws {
        let seed = Gateway.seed
        print("a day with faults, seed \(seed)")
        try stress(
            "--profile", "day", "--length", "60s", "--synthetic", "--sessions", "60", "--seed", "\(seed)",
            "--faults",
            "kill:controller,kill:relay,kill:web,kill:agent,kill:keeper,kill:display,reload:certificates,upgrade:relay,drain:host:2s,cut:host:2s,stop:database:3s",
            requiring: ["faults=11", "unhealed=0", "wrongs=0", "ledger.mismatches=0", "leftovers=0"],
            settled: .seconds(120))
        try Gateway.awaitReady()
    }

    @Test("Ctrl-C ends a run in order; what a killed one leaves, a later --clean takes away")
    func stressInterrupted() throws {
        try Gateway.awaitReady()
        let before = try Traces()
        for signal in [SIGINT, SIGKILL] {
            let run = Process()
            run.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            run.arguments = ["maxwell", "stress", "--sessions", "6", "--rate", "20/s", "--hold", "10m"]
            run.standardInput = FileHandle.nullDevice
            run.standardOutput = FileHandle.nullDevice
            run.standardError = FileHandle.nullDevice
            try run.run()
            defer { if run.isRunning { kill(run.processIdentifier, SIGKILL) } }
            try Gateway.eventually("its sessions run", within: .seconds(30)) {
                try Gateway.sql(
                    "SELECT COUNT(*) FROM mw_session WHERE owner LIKE 'stress-%' AND state = 'running'") == ["6"]
            }
            kill(run.processIdentifier, signal)
            try Gateway.eventually("it has ended", within: .seconds(60)) { !run.isRunning }
            if signal == SIGKILL {
                #expect(try !stressRows().isEmpty)
                for _ in 0..<2 {
                    let cleaned = try Gateway.maxwell("stress", "--clean")
                    #expect(cleaned.status == 0, "\(cleaned.output)")
                }
            }
            #expect(try stressRows().isEmpty)
        }
        try before.expectNoMore(within: .seconds(60))
    }

    @Test(
        "a run is refused to whoever is neither root nor in the group, and its users to whoever starts nothing marked")
    func stressRefused() throws {
        let refused = try Gateway.maxwell(as: "www-data", ["stress", "--sessions", "1"])
        #expect(refused.status != 0)
        let marked = try Gateway.maxwell(
            as: "www-data", ["start", "user=stress-0001", "ip=127.0.0.1", "app=xterm", "version=1", "stress=yes"])
        #expect(marked.status != 0 && !marked.output.hasPrefix("Session is"), "\(marked.output)")
        let plain = try Gateway.maxwell("start", "user=stress-0001", "ip=127.0.0.1", "app=xterm", "version=1")
        #expect(plain.status != 0 && plain.output.split(separator: "\n").count == 1, "\(plain.output)")
        let other = try Gateway.maxwell("start", "user=alice", "ip=127.0.0.1", "app=xterm", "version=1", "stress=yes")
        #expect(other.status != 0 && other.output.split(separator: "\n").count == 1, "\(other.output)")
        #expect(try stressRows().isEmpty)
    }
}

import FoundationEssentials
import Glibc
import Stress

/// Something of a quick start that is broken.
struct Damage: Equatable, Sendable {
    var fault: Fault
    /// The host it is on; nil for what is on none.
    var host: String?
    /// The sessions that end with it.
    var sessions: Set<UInt64> = []

    /// As it is told and written down: "cut:host exec1".
    var text: String { ([fault.rawValue] + (host.map { [$0] } ?? [])).joined(separator: " ") }

    /// Damage of that fault.
    init(_ fault: Fault, on host: String? = nil, sessions: Set<UInt64> = []) {
        self.fault = fault
        self.host = host
        self.sessions = sessions
    }

    /// Reads what ``text`` wrote.
    init?(text: some StringProtocol) {
        let words = String(text).split(separator: " ").map(String.init)
        guard (1...2).contains(words.count), let fault = Fault(rawValue: words[0]) else { return nil }
        self.init(fault, on: words.count == 2 ? words[1] : nil)
    }
}

extension QuickStart {
    /// Breaks what `entry` says; nil where there is nothing of that kind that may be broken. What belongs to sessions of
    /// others than stress users is spared.
    func strike(_ entry: FaultSchedule.Entry) throws(QuickStartError) -> Damage? {
        let host = Self.hosts[Int(entry.chance % UInt64(Self.hosts.count))]
        switch entry.fault {
        case .killController: return try killDaemon("maxwelld", entry.fault)
        case .killRelay: return try killDaemon("maxwell-relay", entry.fault)
        case .killWeb: return try killDaemon("maxwell-web", entry.fault)
        case .killDatabase: return try killDaemon("mariadb", entry.fault)
        case .killAgent, .killKeeper, .killDisplay: return try killOnHost(entry)
        case .stopDatabase:
            guard let database = process("mariadb") else { return nil }
            try note(Damage(entry.fault))
            guard ProcessTable.signal(SIGSTOP, to: database.id, that: database.began) else { return nil }
        case .cutHost:
            try note(Damage(entry.fault, on: host))
            try tell("--host", host, "cut")
        case .fillDisk:
            try note(Damage(entry.fault, on: host))
            try tell("--host", host, "fill")
        case .drainHost:
            try note(Damage(entry.fault, on: host))
            try ask("host", "drain", host)
        // These two are not noted: their command is in a process group of its own, and writes nothing between its first
        // line and its last. So it goes on to its end when we are killed, and what it leaves is whole.
        case .reloadCertificates: try tell("--renew-certificate")
        case .upgradeRelay: try tell("--upgrade-relay")
        }
        return Damage(entry.fault, on: entry.fault.isOfHost ? host : nil)
    }

    /// Mends it; what nothing is broken of any more stays as it is.
    func mend(_ damage: Damage) throws(QuickStartError) {
        switch damage.fault {
        case .killController: try restart("maxwelld")
        case .killRelay: try restart("maxwell-relay")
        case .killWeb: try restart("maxwell-web")
        case .killDatabase: try restart("mariadb")
        case .stopDatabase:
            if let database = process("mariadb") {
                ProcessTable.signal(SIGCONT, to: database.id, that: database.began)
            }
        case .cutHost: try tell("--host", damage.host ?? "", "mend")
        case .fillDisk: try tell("--host", damage.host ?? "", "empty")
        case .drainHost: try ask("host", "up", damage.host ?? "")
        // Their hosts, and the relay, see to that.
        case .killAgent, .killKeeper, .killDisplay, .reloadCertificates, .upgradeRelay: break
        }
        try forget(damage)
    }

    /// Mends what a run left broken that could not do so itself; what was left, as it was written down. Everything is
    /// tried; the first failure is thrown at the end.
    @discardableResult
    public func mendAll() throws(QuickStartError) -> [String] {
        let left = damages()
        var failure: QuickStartError?
        for damage in left {
            do throws(QuickStartError) {
                try mend(damage)
            } catch {
                if failure == nil { failure = error }
            }
        }
        if let failure { throw failure }
        return left.map(\.text)
    }

    /// `damages` in the order in which they are mended: the database, the controller, which needs it, and so on; a host
    /// that is put up again has to find both.
    static func inMendingOrder(_ damages: [Damage]) -> [Damage] {
        let daemons: [Fault] = [.stopDatabase, .killDatabase, .killController, .killRelay, .killWeb]
        return daemons.flatMap { fault in damages.filter { $0.fault == fault } }
            + damages.filter { !daemons.contains($0.fault) }
    }

    private func restart(_ daemon: String) throws(QuickStartError) {
        if process(daemon) == nil { try tell("--restart", daemon) }
    }

    private func killDaemon(_ daemon: String, _ fault: Fault) throws(QuickStartError) -> Damage? {
        guard let process = process(daemon) else { return nil }
        try note(Damage(fault))
        switch ProcessTable.kill(process.id, that: process.began) {
        case .killed: return Damage(fault)
        case .hadEnded: return nil
        case .livesOn: throw .refused("killing \(daemon)", said: "process \(process.id) does not end")
        }
    }

    // MARK: Processes of hosts

    /// A display as the tables have it.
    private struct DisplayRow {
        var host: String
        var display: Int
        var session: UInt64?
        var isStress: Bool
    }

    private func displayRows() throws(QuickStartError) -> [DisplayRow] {
        try sql(
            """
            SELECT d.hostname, d.dispnum, COALESCE(d.sessnum, 0), COALESCE(s.owner, '')
            FROM mw_display d LEFT JOIN mw_session s ON s.sessnum = d.sessnum
            """
        ).compactMap { row in
            guard row.count == 4, let display = Int(row[1]), let session = UInt64(row[2]) else { return nil }
            return DisplayRow(
                host: row[0], display: display, session: session == 0 ? nil : session,
                isStress: row[3].hasPrefix("stress-"))
        }
    }

    /// Kills one agent; or one keeper or display server that a stress session has or, where none has one, one that
    /// waits. Nil when there is nobody to kill.
    private func killOnHost(_ entry: FaultSchedule.Entry) throws(QuickStartError) -> Damage? {
        var rows: [DisplayRow] = []
        let victim = try Self.killOne { () throws(QuickStartError) -> HostProcess? in
            rows = try displayRows()
            return Self.victim(
                entry, among: processes(),
                used: rows.filter(\.isStress).map { ($0.host, $0.display) },
                spared: rows.filter { $0.session != nil && !$0.isStress }.map { ($0.host, $0.display) })
        }
        guard let victim else { return nil }
        guard victim.part != .agent else { return Damage(entry.fault, on: victim.host) }
        // Where it was all of a host's, some may have come since we looked.
        let ended = (victim.part == .synthetic ? rows + (try displayRows()) : rows).filter {
            $0.host == victim.host && $0.isStress && (victim.part == .synthetic || $0.display == victim.display)
        }
        return Damage(entry.fault, on: victim.host, sessions: Set(ended.compactMap(\.session)))
    }

    /// Kills whom `choose` names, and asks it again where that one had ended by itself meanwhile, as displays do. Tells
    /// who it was; nil when it names nobody.
    static func killOne(
        _ choose: () throws(QuickStartError) -> HostProcess?
    ) throws(QuickStartError) -> HostProcess? {
        for _ in 0..<10 {
            guard let victim = try choose() else { return nil }
            switch ProcessTable.kill(victim.id, that: victim.began) {
            case .killed: return victim
            case .hadEnded: continue
            case .livesOn: throw .refused("killing \(victim.name)", said: "process \(victim.id) does not end")
            }
        }
        throw .refused("killing a process of a host", said: "ten that were chosen had ended by themselves")
    }

    /// Whom `entry` kills among `processes`; nil when nobody may be.
    static func victim(
        _ entry: FaultSchedule.Entry, among processes: [HostProcess], used: [(String, Int)], spared: [(String, Int)]
    ) -> HostProcess? {
        func has(_ displays: [(String, Int)]) -> (HostProcess) -> Bool {
            let names = Set(displays.map { "\($0.0) \($0.1)" })
            return { process in process.display.map { names.contains("\(process.host) \($0)") } ?? false }
        }
        let ordered = processes.sorted { ($0.host, $0.display ?? 0, $0.began) < ($1.host, $1.display ?? 0, $1.began) }
        let isSpared = has(spared)
        func those(_ parts: HostProcess.Part...) -> [HostProcess] {
            ordered.filter { process in process.part.map(parts.contains) ?? false && !isSpared(process) }
        }
        let candidates: [HostProcess]
        switch entry.fault {
        case .killAgent: candidates = those(.agent)
        case .killKeeper:
            let busy = those(.keeper).filter(has(used)) + those(.synthetic)
            candidates = busy.isEmpty ? those(.keeper) : busy
        case .killDisplay:
            let busy = those(.server).filter(has(used))
            candidates = busy.isEmpty ? those(.server) : busy
        default: return nil
        }
        return candidates.isEmpty ? nil : candidates[Int(entry.chance % UInt64(candidates.count))]
    }

    // MARK: What is broken, written down

    private var journal: String { "\(state)/record/stress-faults" }

    /// What is written down as broken, in the order in which it is mended.
    func damages() -> [Damage] {
        Self.inMendingOrder(fileText(journal)?.split(separator: "\n").compactMap { Damage(text: $0) } ?? [])
    }

    /// Writes it down before it is broken: whoever comes after us finds it, however we end.
    private func note(_ damage: Damage) throws(QuickStartError) {
        let known = damages()
        // What could not be mended yet is mended once, however often it was broken.
        guard !known.contains(where: { $0.text == damage.text }) else { return }
        try write(known + [damage])
    }

    private func forget(_ damage: Damage) throws(QuickStartError) {
        let left = damages()
        guard left.contains(where: { $0.text == damage.text }) else { return }
        try write(left.filter { $0.text != damage.text })
    }

    private func write(_ damages: [Damage]) throws(QuickStartError) {
        guard !damages.isEmpty else {
            unlink(journal)
            return
        }
        do {
            let text = damages.map { $0.text + "\n" }.joined()
            try Data(text.utf8).write(to: URL(filePath: journal), options: .atomic)
        } catch {
            throw .refused("writing down what is broken", said: "\(error)")
        }
    }
}

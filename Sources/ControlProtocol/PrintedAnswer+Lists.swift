import SessionModel

/// The lists: a table for people, an array for programs.
extension PrintedAnswer {
    static func json(_ rows: [JSONText]) -> String { JSONText.list(rows).line + "\n" }

    static func table(_ rows: [SessionLine]) -> String {
        var table = TextTable(
            [
                "SESSION", "USER", "APPLICATION", "HOST", "DISPLAY", "STATE", "AGE", "VIEWERS", "WATCHED", "REAPED",
            ], numbers: [0, 4, 6, 7, 8])
        for row in rows {
            table.add([
                "\(row.session)", row.user, row.application, row.host, row.display > 0 ? "\(row.display)" : "",
                row.state, plainTime(row.age), "\(row.viewers)", time(row.watched), reaped(row),
            ])
        }
        return table.text
    }

    static func table(_ rows: [ReapLine]) -> String {
        var table = TextTable(["SESSION", "USER", "APPLICATION", "REAP", "WHY"], numbers: [0])
        for row in rows {
            let reap = row.isDue ? "now" : row.endsIn.map(fromNow) ?? ""
            table.add(["\(row.session)", row.user, row.application, reap, row.fate])
        }
        return table.text
    }

    /// When, as far as that is known, and why or why not.
    private static func reaped(_ row: SessionLine) -> String {
        [row.endsIn.map(fromNow) ?? "", row.fate].filter { !$0.isEmpty }.joined(separator: ": ")
    }

    private static func fromNow(_ seconds: Int) -> String { seconds > 0 ? "in \(plainTime(seconds))" : "now" }

    static func table(_ rows: [HostLine]) -> String {
        var table = TextTable(
            [
                "HOST", "STATUS", "AGENT", "ISOLATION", "SESSIONS", "AT MOST", "READY", "READY GL", "MEMORY", "LOAD",
                "ZONE", "VERSION", "NOTE",
            ], numbers: [4, 5, 6, 7, 8, 9])
        for row in rows {
            table.add([
                row.host, row.status, row.connected ? "connected" : "away",
                row.isolation == "none" ? "none (NOT ISOLATED)" : row.isolation, "\(row.uses)",
                row.maximumUses > 0 ? "\(row.maximumUses)" : "", "\(row.ready)", "\(row.readyGL)",
                row.memory.map { "\($0)M" } ?? "", row.load.map { decimal($0, digits: 2) } ?? "", row.zone,
                row.agentVersion, row.note,
            ])
        }
        return table.text
    }

    static func table(_ rows: [ApplicationLine]) -> String {
        var table = TextTable(["NAME", "TITLE", "GEOMETRY", "SOURCE"])
        for row in rows { table.add([row.name, row.title, row.geometry, row.source]) }
        return table.text
    }

    static func object(_ row: SessionLine) -> JSONText {
        .object([
            ("session", .count(row.session.value)), ("user", .text(row.user)), ("application", .text(row.application)),
            ("host", .text(row.host)), ("display", .number(row.display)), ("state", .text(row.state)),
            ("age", .number(row.age)), ("viewers", .number(row.viewers)), ("watched", .seconds(row.watched)),
            ("ends_in", row.endsIn.map(JSONText.number) ?? .nothing), ("fate", .text(row.fate)),
            ("watchers", .list(row.watchers.map(object))),
        ])
    }

    static func object(_ watcher: Watcher) -> JSONText {
        .object([
            ("user", .text(watcher.user)), ("since", .text(watcher.since)), ("address", .text(watcher.address)),
            ("read_only", .bool(watcher.readOnly)),
        ])
    }

    static func object(_ row: ReapLine) -> JSONText {
        .object([
            ("session", .count(row.session.value)), ("user", .text(row.user)), ("application", .text(row.application)),
            ("due", .bool(row.isDue)), ("ends_in", row.endsIn.map(JSONText.number) ?? .nothing),
            ("why", .text(row.fate)),
        ])
    }

    static func object(_ row: HostLine) -> JSONText {
        .object([
            ("host", .text(row.host)), ("status", .text(row.status)), ("connected", .bool(row.connected)),
            ("isolation", .text(row.isolation)), ("uses", .number(row.uses)),
            ("maximum_uses", .number(row.maximumUses)),
            ("zone", .text(row.zone)), ("agent_version", .text(row.agentVersion)), ("ready", .number(row.ready)),
            ("ready_gl", .number(row.readyGL)), ("memory", row.memory.map(JSONText.number) ?? .nothing),
            ("load", row.load.map(JSONText.real) ?? .nothing), ("note", .text(row.note)),
        ])
    }

    static func object(_ row: ApplicationLine) -> JSONText {
        .object([
            ("name", .text(row.name)), ("title", .text(row.title)), ("geometry", .text(row.geometry)),
            ("source", .text(row.source)),
        ])
    }

    static func object(_ ticket: TicketAnswer) -> JSONText {
        .object([
            ("session", .count(ticket.session.value)), ("ticket", .text(ticket.ticket.exposed)),
            ("address", .text(ticket.address.exposed)), ("seconds", .number(ticket.seconds)),
        ])
    }

    static func text(_ ticket: TicketAnswer) -> String {
        """
        Address:   \(ticket.address.exposed)
        Ticket:    \(ticket.ticket.exposed)
        Good for:  \(plainTime(ticket.seconds))

        """
    }

    static func table(_ quota: QuotaAnswer) -> String {
        var table = TextTable(["USER", "USED", "SOFT LIMIT", "HARD LIMIT", "LEFT", "COUNTED"], numbers: [1, 2, 3, 4])
        table.add([
            quota.user.text, size(quota.used), quota.softLimit > 0 ? size(quota.softLimit) : "",
            quota.hardLimit > 0 ? size(quota.hardLimit) : "", size(quota.remaining),
            quota.isEnforced ? "by the file system" : "every few minutes",
        ])
        return table.text
    }

    static func object(_ quota: QuotaAnswer) -> JSONText {
        .object([
            ("user", .text(quota.user.text)), ("used", .count(quota.used)), ("soft_limit", .count(quota.softLimit)),
            ("hard_limit", .count(quota.hardLimit)), ("remaining", .count(quota.remaining)),
            ("enforced", .bool(quota.isEnforced)),
        ])
    }

    static func object(_ counters: [String: UInt64]) -> JSONText {
        .object(counters.sorted { $0.key < $1.key }.map { ($0.key, .count($0.value)) })
    }

    static func text(_ counters: [String: UInt64]) -> String {
        var table = TextTable(["COUNTER", "VALUE"], numbers: [1])
        for (name, value) in counters.sorted(by: { $0.key < $1.key }) { table.add([name, "\(value)"]) }
        return table.text
    }

    /// Seconds as ``plainTime(_:)`` writes them, below a minute with a tenth: `4.2s`; `-` where that is no time.
    static func time(_ seconds: Double) -> String {
        guard seconds.isFinite, (0..<1e12).contains(seconds) else { return "-" }
        let tenths = (seconds * 10).rounded()
        if tenths >= 600 { return plainTime(Int(seconds.rounded())) }
        return tenths == 0 ? "0s" : decimal(tenths / 10, digits: 1) + "s"
    }

    /// Bytes as people read them: `17 B`, `1.5 KiB`, `2.0 GiB`.
    static func size(_ bytes: UInt64) -> String {
        if bytes < 1024 { return "\(bytes) B" }
        var amount = Double(bytes) / 1024
        var units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"][...]
        // What would be rounded to 1024.0 is one of the next unit.
        while amount >= 1023.95, units.count > 1 {
            amount /= 1024
            units.removeFirst()
        }
        return decimal(amount, digits: 1) + " \(units.first ?? "")"
    }
}

import SessionModel

/// The lists: a table for people, an array for programs.
extension PrintedAnswer {
    static func json(_ rows: [JSONText]) -> String { JSONText.list(rows).line + "\n" }

    static func table(_ rows: [SessionLine]) -> String {
        var table = TextTable(
            ["SESSION", "USER", "APPLICATION", "HOST", "DISPLAY", "STATE", "AGE", "VIEWERS"], numbers: [0, 4, 6, 7])
        for row in rows {
            table.add([
                "\(row.session)", row.user, row.application, row.host, row.display > 0 ? "\(row.display)" : "",
                row.state, time(row.age), "\(row.viewers)",
            ])
        }
        return table.text
    }

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
            ("age", .number(row.age)), ("viewers", .number(row.viewers)),
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
        Good for:  \(time(ticket.seconds))

        """
    }

    static func object(_ counters: [String: UInt64]) -> JSONText {
        .object(counters.sorted { $0.key < $1.key }.map { ($0.key, .count($0.value)) })
    }

    static func text(_ counters: [String: UInt64]) -> String {
        var table = TextTable(["COUNTER", "VALUE"], numbers: [1])
        for (name, value) in counters.sorted(by: { $0.key < $1.key }) { table.add([name, "\(value)"]) }
        return table.text
    }

    /// Seconds as people write them: `45s`, `10m`, `1h20m`, `3d4h`; at most two units.
    static func time(_ seconds: Int) -> String {
        let units = [("d", 86400), ("h", 3600), ("m", 60), ("s", 1)]
        let rest = max(0, seconds)
        guard let first = units.firstIndex(where: { rest >= $0.1 }) else { return "0s" }
        let (name, size) = units[first]
        let head = "\(rest / size)\(name)"
        guard first + 1 < units.count, rest % size >= units[first + 1].1 else { return head }
        return head + "\(rest % size / units[first + 1].1)\(units[first + 1].0)"
    }
}

/// How a run went, over time: columns of figures, a row for each ``step`` seconds.
public struct Curves: Codable, Equatable, Sendable {
    /// Seconds that a row stands for.
    public var step: Double
    /// By name; all have as many rows, and nil where there was nothing.
    public var columns: [String: [Double?]]

    /// Rows there are at most: more than a page can show.
    static let most = 240

    subscript(_ name: String) -> [Double?] { columns[name] ?? [] }

    /// The names after `prefix`, in order: of parts, of hosts.
    func names(after prefix: String) -> [String] {
        columns.keys.filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }.sorted()
    }
}

extension Curves {
    /// The curves of what a run has come to.
    init(_ seconds: Seconds, _ gateway: GatewayTrace) {
        let length = max(seconds.all.count, Int((gateway.samples.last?.at ?? 0).rounded(.down)) + 1, 1)
        let step = (length + Self.most - 1) / Self.most
        let rows = (length + step - 1) / step
        self.step = Double(step)
        columns = [:]

        let bins = (0..<rows).map { row in
            seconds.all[min(row * step, seconds.all.count)..<min((row + 1) * step, seconds.all.count)]
        }
        func rate(_ name: String, _ of: (Seconds.Second) -> Int) {
            columns[name] = bins.map { (Double($0.reduce(0) { $0 + of($1) }) / Double(step)).thousandths }
        }
        func level(_ name: String, _ of: (Seconds.Second) -> Int) {
            var level = 0
            columns[name] = bins.map { bin in
                level += bin.reduce(0) { $0 + of($1) }
                return Double(level)
            }
        }
        func spans(_ name: String, _ of: (Seconds.Second) -> [Float]) {
            let sorted = bins.map { $0.flatMap(of).sorted() }
            guard sorted.contains(where: { !$0.isEmpty }) else { return }
            columns[name + ".p50"] = sorted.map { $0.isEmpty ? nil : Double($0[$0.count / 2]).millionths }
            columns[name + ".p99"] = sorted.map { $0.isEmpty ? nil : Double($0[($0.count * 99 - 1) / 100]).millionths }
            columns[name + ".max"] = sorted.map { $0.last.map { Double($0).millionths } }
        }
        level("sessions") { $0.sessions }
        level("viewers") { $0.viewers }
        rate("asked") { $0.asked }
        rate("started") { $0.started }
        rate("failed") { $0.failed }
        rate("updates") { $0.updates }
        rate("bytes") { $0.bytes }
        spans("start") { $0.starts }
        spans("picture") { $0.pictures }
        spans("echo") { $0.echoes }
        spans("reconnect") { $0.gaps }
        add(gateway, rows: rows)
    }

    private mutating func add(_ gateway: GatewayTrace, rows: Int) {
        let empty = [Double?](repeating: nil, count: rows)
        var before: [String: (at: Double, cpu: Double)] = [:]
        for sample in gateway.samples {
            let row = min(max(Int(sample.at / step), 0), rows - 1)
            // The last look in a row is the row's.
            for (name, part) in sample.parts {
                if let memory = part.memory { columns["memory " + name, default: empty][row] = Double(memory) }
                if let descriptors = part.descriptors {
                    columns["descriptors " + name, default: empty][row] = Double(descriptors)
                }
                guard let last = before[name] else {
                    before[name] = (sample.at, part.cpu)
                    continue
                }
                // Over one row at least, so that the curve is no finer than it shows.
                guard sample.at - last.at >= step * 0.9, sample.at > last.at else { continue }
                let used = part.cpu >= last.cpu ? part.cpu - last.cpu : part.cpu
                columns["cpu " + name, default: empty][row] = (used / (sample.at - last.at)).thousandths
                before[name] = (sample.at, part.cpu)
            }
            for (name, host) in sample.hosts {
                columns["available " + name, default: empty][row] = Double(host.memoryAvailable)
                columns["load " + name, default: empty][row] = host.load.thousandths
                columns["used " + name, default: empty][row] = Double(host.used)
                columns["ready " + name, default: empty][row] = Double(host.ready)
            }
        }
    }
}

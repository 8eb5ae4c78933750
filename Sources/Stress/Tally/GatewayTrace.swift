/// What the samples of a run tell, together.
struct GatewayTrace: Sendable {
    /// Without their counters; one in ``every``.
    private(set) var samples: [Sample] = []
    private var heard = 0
    private var every = 1
    private var counted: [String: UInt64] = [:]
    /// Counters that fell although the controller did not begin anew: they tell how many there are of something.
    private var levels: Set<String> = []
    private var last: [String: UInt64] = [:]
    /// How often they were told.
    private var told = 0

    /// Names of counters that are kept at most, and samples: when there are more, every other one goes.
    private static let mostCounters = 2000
    private static let mostSamples = 20_000

    mutating func note(_ sample: Sample, at moment: Double) {
        // Whether the controller began anew, and its counters with it.
        let isAnew = sample.counters["statements"].map { $0 < last["statements", default: 0] } ?? false
        let isFirst = last.isEmpty
        if !sample.counters.isEmpty { told += 1 }
        // What relays count goes on.
        if isAnew { last = last.filter { $0.key.hasPrefix("relay.") } }
        for (name, value) in sample.counters where last[name] != nil || last.count < Self.mostCounters {
            let before = last[name] ?? (isFirst ? value : 0)
            if value < before { levels.insert(name) }
            counted[name, default: 0] &+= value >= before ? value - before : value
            last[name] = value
        }
        heard += 1
        guard heard % every == 0 else { return }
        if samples.count >= Self.mostSamples {
            samples = stride(from: 0, to: samples.count, by: 2).map { samples[$0] }
            every *= 2
        }
        var kept = sample
        kept.at = moment
        kept.counters = [:]
        samples.append(kept)
    }

    /// By how much each counter grew; one that began anew, because the controller did, counts from there. Nothing where they
    /// were told once.
    var growth: [String: UInt64] {
        guard told > 1 else { return [:] }
        return counted.filter { !levels.contains($0.key) && !$0.key.hasPrefix("stress.") }
    }

    /// Parts that there is one of for each display, whether it has a session or waits for one.
    private static let ofDisplays: Set = ["displays", "keepers", "containers"]

    /// By name, what each part of the gateway used, and how much of it for each of the sessions of `counts`.
    func parts(_ counts: RunCounts) -> [String: StressResult.Part] {
        var series: [String: [(at: Double, part: Sample.Part)]] = [:]
        for sample in samples {
            for (name, part) in sample.parts { series[name, default: []].append((sample.at, part)) }
        }
        // How many displays there are, those that wait for sessions among them.
        let displays = Dictionary(
            samples.map { ($0.at, $0.hosts.values.reduce(0) { $0 + $1.ready + $1.used }) }, uniquingKeysWith: { $1 })
        return series.reduce(into: [:]) { parts, one in
            let isOfDisplays = Self.ofDisplays.contains(one.key)
            parts[one.key] = StressResult.Part(one.value, counts) { first, most in
                isOfDisplays ? (displays[most] ?? 0) - (displays[first] ?? 0) : counts.mostUp
            }
        }
    }

    /// By name, how each host fared.
    var hosts: [String: StressResult.Host] {
        var series: [String: [Sample.Host]] = [:]
        for sample in samples { for (name, host) in sample.hosts { series[name, default: []].append(host) } }
        // Agents that are seen here by their host's name are a quick start's, whose hosts are all this machine.
        let here = Set(samples.flatMap { $0.parts.keys })
        var hosts: [String: StressResult.Host] = [:]
        for (name, told) in series {
            hosts[name] = StressResult.Host(told, isAlone: !here.contains("agent \(name)"))
        }
        return hosts
    }
}

extension StressResult.Part {
    /// When memory is expected to have settled, and how long a look at it takes, in seconds.
    private static let settled = 300.0
    private static let look = 60.0

    /// Nil without a sample. `sharers` tells of how many there were more at the second of two moments than at the first, each
    /// with its share of what the part took between them.
    fileprivate init?(
        _ series: [(at: Double, part: Sample.Part)], _ counts: RunCounts,
        sharers: (_ first: Double, _ most: Double) -> Int
    ) {
        guard let first = series.first, let last = series.last else { return nil }
        var cpu = 0.0
        var busiest = 0.0
        for (one, next) in zip(series, series.dropFirst()) {
            // Processes that ended take their time with them; what the new ones used since they began is all there is.
            let used = next.part.cpu >= one.part.cpu ? next.part.cpu - one.part.cpu : next.part.cpu
            cpu += used
            if next.at > one.at { busiest = max(busiest, used / (next.at - one.at)) }
        }
        let told = series.compactMap { one in one.part.memory.map { (at: one.at, memory: $0) } }
        let memory = told.map(\.memory)
        let descriptors = series.compactMap(\.part.descriptors)
        var share: Double?
        if let first = told.first, let most = told.max(by: { $0.memory < $1.memory }) {
            let number = sharers(first.at, most.at)
            if number > 0 { share = (Double(most.memory - first.memory) / Double(number)).thousandths }
        }
        self.init(
            processes: series.map(\.part.processes).max() ?? 0, cpu: cpu.thousandths,
            cpuMean: last.at > first.at ? (cpu / (last.at - first.at)).thousandths : 0, cpuMost: busiest.thousandths,
            memoryFirst: memory.first, memoryLast: memory.last, memoryMost: memory.max(),
            memoryGrowth: Self.growth(series),
            descriptorsFirst: descriptors.first, descriptorsLast: descriptors.last, descriptorsMost: descriptors.max(),
            cpuPerSession: counts.started > 0 ? (cpu / Double(counts.started)).millionths : nil,
            memoryPerSession: share)
    }

    /// In the longest life of one process: by which share the median of its last minute is above the median of its sixth, as
    /// far as the run saw it; nil when that was shorter than seven minutes.
    private static func growth(_ series: [(at: Double, part: Sample.Part)]) -> Double? {
        var lives: [[(at: Double, part: Sample.Part)]] = []
        for sample in series where sample.part.memory ?? 0 > 0 {
            if lives.last?.last?.part.since == sample.part.since {
                lives[lives.count - 1].append(sample)
            } else {
                lives.append([sample])
            }
        }
        let spans = lives.compactMap { life in
            life.first.flatMap { first in life.last.map { (life: life, begin: first.at, end: $0.at) } }
        }
        guard let (life, begin, end) = spans.max(by: { $0.end - $0.begin < $1.end - $1.begin }),
            end - begin >= settled + 2 * look
        else { return nil }
        let sixth = (begin + settled)...(begin + settled + look)
        let before = life.filter { sixth.contains($0.at) }.compactMap(\.part.memory).sorted()
        let after = life.filter { $0.at >= end - look }.compactMap(\.part.memory).sorted()
        guard !before.isEmpty, !after.isEmpty else { return nil }
        let (then, now) = (before[before.count / 2], after[after.count / 2])
        return (Double(now) / Double(then) - 1).thousandths
    }
}

extension StressResult.Host {
    /// Nil without a sample. What a session took is only known where the host `isAlone` on its machine.
    fileprivate init?(_ series: [Sample.Host], isAlone: Bool) {
        guard let first = series.first else { return nil }
        let most = series.max { $0.used < $1.used } ?? first
        let taken = Double(first.memoryAvailable - most.memoryAvailable) * 1024
        self.init(
            sessionsMost: most.used, readyFirst: first.ready, readyLeast: series.map(\.ready).min() ?? 0,
            memoryFirst: first.memoryAvailable, memoryLeast: series.map(\.memoryAvailable).min() ?? 0,
            memoryLast: series.last?.memoryAvailable ?? 0, loadMost: (series.map(\.load).max() ?? 0).thousandths,
            memoryPerSession: isAlone && most.used > first.used
                ? (max(0, taken) / Double(most.used - first.used)).thousandths : nil)
    }
}

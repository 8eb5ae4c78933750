/// What a run has come to so far: observations in, figures out.
public struct Tally: Sendable {
    let plan: StressPlan
    /// The moment of the latest observation, in seconds since the run began.
    public private(set) var now = 0.0
    public private(set) var counts: RunCounts
    private(set) var latencies: [Timed: LatencyHistogram] = [:]
    private(set) var failures = FailureBook()
    private(set) var seconds = Seconds()
    private(set) var gateway = GatewayTrace()
    private(set) var faults: [StressResult.Fault] = []
    private(set) var updates = 0
    private(set) var bytes = 0
    /// Seconds that viewers had a picture, added up, of those that do not now.
    private var seenSeconds = 0.0
    private(set) var firstAsked: Double?
    private(set) var lastStarted: Double?

    private var sessions: [SessionState]
    /// Viewers of all sessions in a row; `viewers[offsets[n]]` is the first of session n.
    private var viewers: [ViewerState]
    private let offsets: [Int]

    private enum Phase: Sendable { case planned, asked, up, failed, ended }

    private struct SessionState: Sendable {
        var phase = Phase.planned
        /// Whether a word about it failed, so that its viewers may have had no chance.
        var hadRefusal = false
    }

    private struct ViewerState: Sendable {
        /// Since when it has a picture; nil: it has none now.
        var since: Double?
        var wasSeen = false
        var hasFailed = false
        var wasTurnedAway = false
    }

    /// A run of `plan` before it began.
    public init(_ plan: StressPlan) {
        self.plan = plan
        var offsets: [Int] = []
        var total = 0
        for session in plan.sessions {
            offsets.append(total)
            total += session.viewers.count
        }
        self.offsets = offsets
        sessions = Array(repeating: SessionState(), count: plan.sessions.count)
        viewers = Array(repeating: ViewerState(), count: total)
        counts = RunCounts(plan)
    }

    /// Takes one observation in.
    public mutating func note(_ observation: Observation) {
        let moment = look(observation.moment)
        switch observation {
        case .asked(let session, _): asked(session, moment)
        case .started(let session, _, let took, _): started(session, moment, Self.span(took))
        case .refused(let session, _, _, let failure): refused(session, moment, failure)
        case .stopped(let session, _, let took): stopped(session, moment, Self.span(took))
        case .gone(let session, _): ended(session, moment)
        case .opened(_, _, let took):
            counts.opened += 1
            time(.open, Self.span(took))
        case .picture(let viewer, _, let took): picture(viewer, moment, took.map(Self.span))
        case .update(_, _, let bytes):
            updates += 1
            self.bytes += bytes
            seconds[at: moment].updates += 1
            seconds[at: moment].bytes += bytes
        case .echo(_, _, let took):
            counts.echoes += 1
            time(.echo, Self.span(took))
            seconds[at: moment].echoes.append(Float(Self.span(took)))
        case .left(let viewer, _): noLongerSeen(viewer, moment)
        case .returned(let viewer, _, let gap):
            counts.returned += 1
            time(.reconnect, Self.span(gap))
            seconds[at: moment].gaps.append(Float(Self.span(gap)))
            seen(viewer, moment)
        case .turnedAway(let viewer, _): turnedAway(viewer, moment)
        case .viewerFailed(let viewer, _, let failure): viewerFailed(viewer, moment, failure)
        case .sampled(let sample): gateway.note(sample, at: moment)
        case .fault(let name, _, let healed): fault(name, moment, healed.map(Self.span))
        case .trouble(_, let failure): fail(failure, moment)
        }
    }

    /// Seconds that viewers had a picture, added up.
    var viewerSeconds: Double {
        viewers.reduce(seenSeconds) { $0 + ($1.since.map { max(0, now - $0) } ?? 0) }
    }

    /// Writes down what should have been and never was. Only for a run that was carried out to its end.
    mutating func close() {
        for index in sessions.indices where sessions[index].phase == .asked {
            fail(Observation.Failure("start: no answer", "session \(index) of the plan"), now)
            sessions[index].phase = .failed
            counts.asked -= 1
            counts.failed += 1
        }
        for (session, planned) in plan.sessions.enumerated() {
            guard [.up, .ended].contains(sessions[session].phase), !sessions[session].hadRefusal else { continue }
            for (number, viewer) in planned.viewers.enumerated() where viewer.isToSeeAPicture {
                let state = viewers[offsets[session] + number]
                guard !state.wasSeen else { continue }
                counts.unseen += 1
                guard !state.hasFailed else { continue }
                fail(
                    Observation.Failure(
                        "viewer: no picture",
                        "viewer \(number) of session \(session) of the plan, \(viewer.way.rawValue)"), now)
            }
        }
    }

    /// The moment that an observation is counted at: its own, unless that is none.
    private mutating func look(_ moment: Double) -> Double {
        let moment = moment.isFinite ? min(max(0, moment), Seconds.end) : now
        now = max(now, moment)
        return moment
    }

    /// A span that is none, or runs backwards, counts as nothing at all.
    private static func span(_ seconds: Double) -> Double { seconds.isFinite ? min(max(0, seconds), Seconds.end) : 0 }

    private mutating func time(_ kind: Timed, _ seconds: Double) {
        latencies[kind, default: LatencyHistogram()].add(seconds)
    }

    private mutating func fail(_ failure: Observation.Failure, _ moment: Double) {
        failures.add(failure, at: moment)
        counts.failures += 1
        seconds[at: moment].failed += 1
    }
}

// MARK: Sessions

extension Tally {
    private mutating func asked(_ session: Int, _ moment: Double) {
        firstAsked = min(firstAsked ?? moment, moment)
        seconds[at: moment].asked += 1
        guard sessions.indices.contains(session), sessions[session].phase == .planned else { return }
        sessions[session].phase = .asked
        counts.asked += 1
    }

    private mutating func started(_ session: Int, _ moment: Double, _ took: Double) {
        time(.start, took)
        lastStarted = max(lastStarted ?? moment, moment)
        seconds[at: moment].started += 1
        seconds[at: moment].starts.append(Float(took))
        seconds[at: moment].sessions += 1
        counts.started += 1
        counts.up += 1
        counts.mostUp = max(counts.mostUp, counts.up)
        guard sessions.indices.contains(session) else { return }
        if sessions[session].phase == .asked { counts.asked -= 1 }
        sessions[session].phase = .up
    }

    private mutating func refused(_ session: Int, _ moment: Double, _ failure: Observation.Failure) {
        fail(failure, moment)
        guard sessions.indices.contains(session) else { return }
        sessions[session].hadRefusal = true
        if sessions[session].phase == .asked || sessions[session].phase == .planned {
            if sessions[session].phase == .asked { counts.asked -= 1 }
            sessions[session].phase = .failed
            counts.failed += 1
        }
    }

    private mutating func stopped(_ session: Int, _ moment: Double, _ took: Double) {
        time(.stop, took)
        counts.stopped += 1
        ended(session, moment)
    }

    private mutating func ended(_ session: Int, _ moment: Double) {
        guard sessions.indices.contains(session), sessions[session].phase == .up else { return }
        sessions[session].phase = .ended
        counts.up -= 1
        seconds[at: moment].sessions -= 1
    }

    private mutating func fault(_ name: String, _ moment: Double, _ healed: Double?) {
        let name = oneLine(name, width: 60)
        if let known = faults.lastIndex(where: { $0.name == name && $0.at == moment.millionths }) {
            faults[known].healed = healed?.millionths
        } else {
            faults.append(StressResult.Fault(name: name, at: moment.millionths, healed: healed?.millionths))
        }
        if let healed { time(.heal, healed) }
    }
}

// MARK: Viewers

extension Tally {
    private func index(_ viewer: Observation.ViewerName) -> Int? {
        guard plan.sessions.indices.contains(viewer.session),
            plan.sessions[viewer.session].viewers.indices.contains(viewer.viewer)
        else { return nil }
        return offsets[viewer.session] + viewer.viewer
    }

    private func behaviour(_ viewer: Observation.ViewerName) -> StressPlan.Behaviour? {
        index(viewer).map { _ in plan.sessions[viewer.session].viewers[viewer.viewer].behaviour }
    }

    private mutating func picture(_ viewer: Observation.ViewerName, _ moment: Double, _ took: Double?) {
        guard behaviour(viewer) != .hostile else {
            return viewerFailed(
                viewer, moment, Observation.Failure("hostile: was served", "it got a picture"))
        }
        if let took {
            time(.picture, took)
            seconds[at: moment].pictures.append(Float(took))
        }
        seen(viewer, moment)
    }

    private mutating func seen(_ viewer: Observation.ViewerName, _ moment: Double) {
        guard let index = index(viewer), viewers[index].since == nil else { return }
        viewers[index].since = moment
        counts.watching += 1
        counts.mostWatching = max(counts.mostWatching, counts.watching)
        seconds[at: moment].viewers += 1
        if !viewers[index].wasSeen {
            viewers[index].wasSeen = true
            counts.seen += 1
        }
    }

    private mutating func noLongerSeen(_ viewer: Observation.ViewerName, _ moment: Double) {
        guard let index = index(viewer), let since = viewers[index].since else { return }
        viewers[index].since = nil
        seenSeconds += max(0, moment - since)
        counts.watching -= 1
        seconds[at: moment].viewers -= 1
    }

    private mutating func turnedAway(_ viewer: Observation.ViewerName, _ moment: Double) {
        guard behaviour(viewer) == .hostile else {
            return viewerFailed(viewer, moment, Observation.Failure("viewer: turned away", "it had a good token"))
        }
        guard let index = index(viewer), !viewers[index].wasTurnedAway else { return }
        viewers[index].wasTurnedAway = true
        counts.turnedAway += 1
    }

    private mutating func viewerFailed(
        _ viewer: Observation.ViewerName, _ moment: Double, _ failure: Observation.Failure
    ) {
        guard let index = index(viewer) else { return fail(failure, moment) }
        // One that means harm fails once at most, though it may be told of twice: by its picture and by the load.
        if viewers[index].hasFailed, behaviour(viewer) == .hostile { return }
        if !viewers[index].hasFailed { counts.viewersFailed += 1 }
        viewers[index].hasFailed = true
        fail(failure, moment)
    }
}

extension StressPlan.Viewer {
    /// Whether it stays until it has a picture: the hostile get none, and the others may be cut before.
    fileprivate var isToSeeAPicture: Bool {
        switch behaviour {
        case .watcher, .typist, .slowReader: true
        case .vanishing, .flapping, .hostile: false
        }
    }
}

import ControlProtocol
import SessionModel
import SessionStore

extension Gateway {
    /// `maxwell why N`: what was tried for a session, how it went, and why it ended.
    func why(_ number: SessionNumber, for caller: Standing) async throws -> ControlReply {
        guard let story = try await database.story(of: number) else { throw SessionError.sessionUnknown(number) }
        let session = story.record
        try Self.require(caller, reaches: session)
        let viewings = try await database.viewings(of: number)
        let watchers = try await database.watchers(of: [number])[number] ?? []
        return .why(
            WhyAnswer(
                session: number, user: session.owner.text, application: session.application.text,
                host: session.hostText, display: session.place?.number.value ?? 0, state: session.state.rawValue,
                reason: session.reason, errorID: session.errorID, exitStatus: story.exitStatus,
                started: session.started, running: story.running, ended: story.ended,
                steps: StartStep.steps(story.steps ?? ""), logTail: story.logTail, wallSeconds: story.wall,
                viewSeconds: story.view, cpuSeconds: story.cpu,
                viewers: viewings.map {
                    WhyViewer(
                        user: $0.user.text, views: $0.views, seconds: $0.seconds, bytesToViewer: $0.toViewer,
                        bytesFromViewer: $0.fromViewer)
                },
                watchers: watchers.map(Watcher.init)))
    }
}

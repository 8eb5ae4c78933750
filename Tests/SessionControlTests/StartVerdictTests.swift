import HostAccess
import HostProtocol
import SessionModel
import Testing

@testable import SessionControl

@Suite("What a failure means for the rest of a start") struct StartVerdictTests {
    private static let host = (try? HostName("exec1")).unsafelyUnwrapped
    private static func failed(_ kind: HostFailure.Kind) -> HostAccessError { .failed(host, HostFailure(kind, "why")) }

    @Test(
        "at the hand-over of a display that stood",
        arguments: [
            (failed(.displayBroken), .nextDisplay),
            (failed(.displayStale), .nextDisplay),
            (failed(.displayUnknown), .nextDisplay),
            (failed(.displayFailed), .nextDisplay),
            (failed(.diskFull), .nextHost(isHostsFault: true)),
            (.late(host, request: "startApplication"), .nextHost(isHostsFault: true)),
            (.away(host, cause: "cut"), .nextHost(isHostsFault: false)),
            (failed(.homeUnavailable), .nextHost(isHostsFault: false)),
            (failed(.applicationFailed), .nextHost(isHostsFault: false)),
            (failed(.refused), .nextHost(isHostsFault: false)),
            (.otherKey(host), .nextHost(isHostsFault: false)),
            (failed(.homeFull), .giveUp),
        ] as [(HostAccessError, StartVerdict)])
    func handOver(failure: HostAccessError, verdict: StartVerdict) {
        #expect(StartVerdict(failure, isMaking: false) == verdict)
    }

    @Test(
        "while a display is made",
        arguments: [
            (failed(.displayFailed), .nextHost(isHostsFault: true)),
            (failed(.displayBusy), .nextDisplay),
            (failed(.diskFull), .nextHost(isHostsFault: true)),
            (.away(host, cause: "cut"), .nextHost(isHostsFault: false)),
        ] as [(HostAccessError, StartVerdict)])
    func making(failure: HostAccessError, verdict: StartVerdict) {
        #expect(StartVerdict(failure, isMaking: true) == verdict)
    }
}

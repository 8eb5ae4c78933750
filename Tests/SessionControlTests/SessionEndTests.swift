import ControlProtocol
import ControlSocket
import Foundation
import SessionModel
import Synchronization
import Testing

@testable import SessionControl
@testable import SessionStore

@Suite("The end of a session") final class SessionEndTests {
    private let field: GatewayField
    private var database: Database { field.database }

    init() async throws { field = try await GatewayField.withXterm() }

    /// Runs `body` with a gateway and a session of it.
    private func withSession(_ body: (Gateway, SessionNumber) async throws -> Void) async throws {
        try await field.withHost { gateway, _ in
            let order = StartOrder(
                user: GatewayField.tester, address: "", application: GatewayField.xterm, stress: .synthetic)
            guard case .started(let number) = await gateway.answer(.start(order), from: GatewayField.root) else {
                Issue.record("not started")
                return
            }
            try await body(gateway, number)
        }
    }

    /// The same with a view that was reserved.
    private func withView(_ body: (Gateway, SessionNumber, UInt64) async throws -> Void) async throws {
        try await withSession { gateway, number in
            let view = try await database.reserveView(
                session: number, user: GatewayField.tester, mode: .act, kind: .view, address: "127.0.0.1",
                relay: "relay-1")
            try await body(gateway, number, try #require(view))
        }
    }

    @Test(
        "what a relay told of a view, its opening too, is written before its session ends", arguments: [true, false],
        [true, false])
    func lateEnds(onDisk: Bool, isOpen: Bool) async throws {
        try await withView { gateway, number, view in
            let began = MachineClock.monotonic - 60
            let entry = ViewBacklog.Entry(
                view: view, began: began, clock: MachineClock.boot, opened: MachineClock.date - 60, seconds: 58.5,
                end: .init(bytesToViewer: 1, bytesFromViewer: 1, cause: "viewer left"))
            if isOpen { #expect(try await database.openView(view, began: began, clock: entry.clock, age: 60)) }
            if onDisk { try await gateway.journal.keep([entry]) } else { gateway.toldViews.begin([entry]) }
            let writer = Task { [database] in
                // The session's end waits a third of that for what it has not been told.
                try? await Task.sleep(for: .seconds(1))
                if onDisk { return await gateway.keepJournal() }
                try? await database.closeView(
                    ViewClosing(
                        view: view, began: began, clock: entry.clock, age: 60, seconds: 58.5, toViewer: 1,
                        fromViewer: 1, cause: "viewer left"))
                gateway.toldViews.finished([entry])
            }
            _ = await gateway.answer(.stop(session: number, delay: nil), from: GatewayField.root)
            writer.cancel()
            await writer.value
            let views = try await database.stressViews(after: nil, count: 10)
            #expect(views.count == 1)
            for view in views {
                #expect(abs(view.seconds - 58.5) < 0.01 && abs((view.viewtime ?? 0) - 58.5) < 0.01, "\(view)")
            }
        }
    }

    @Test(
        "what a relay tells is known to be on its way until it is in the tables",
        arguments: ["opened", "lives", "ended"])
    func onItsWay(word: String) async throws {
        try await withView { gateway, _, view in
            let began = MachineClock.monotonic - 60
            if word != "opened" {
                #expect(try await database.openView(view, began: began, clock: MachineClock.boot, age: 60))
            }
            let database = database
            let isHeld = Mutex(false)
            let isReleased = Mutex(false)
            async let hold: Void = database.run { connection throws(StoreError) in
                try connection.transaction { () throws(StoreError) in
                    _ = try connection.query("SELECT 1 FROM mw_view WHERE viewid = ? FOR UPDATE", view)
                    isHeld.withLock { $0 = true }
                    while !isReleased.withLock(\.self) { usleep(5000) }
                }
            }
            while !isHeld.withLock(\.self) { try await Task.sleep(for: .milliseconds(5)) }
            async let told = Self.tell(word, of: view, began: began, gateway)
            let limit = ContinuousClock.now + .seconds(20)
            while !gateway.toldViews.contains(anyOf: [view]), ContinuousClock.now < limit {
                try await Task.sleep(for: .milliseconds(5))
            }
            #expect(gateway.toldViews.contains(anyOf: [view]) && !gateway.toldViews.contains(anyOf: [view + 1]))
            isReleased.withLock { $0 = true }
            try await hold
            #expect(try await told == (word == "lives" ? .beats(cut: []) : .done("")))
            #expect(!gateway.toldViews.contains(anyOf: [view]))
        }
    }

    private static func tell(
        _ word: String, of view: UInt64, began: Double, _ gateway: Gateway
    ) async throws -> ControlReply {
        switch word {
        case "opened": return try await gateway.viewOpened(ViewOpening(view: view, began: began))
        case "lives":
            return try await gateway.relayBeat(
                RelayBeat(
                    name: "relay-1", instance: "relay-1", at: nil,
                    views: [ViewBeat(view: view, began: began, seconds: 50)], isLeaving: false, predecessors: [],
                    figures: [:]))
        default:
            return try await gateway.viewClosed(
                ViewEnd(
                    view: view, began: began, seconds: 50, bytesToViewer: 1, bytesFromViewer: 1, cause: "viewer left"))
        }
    }

    @Test(
        "a start that failed stays one, whoever finishes its end",
        arguments: [EndReason.startFailed, .startInterrupted])
    func failedStart(reason: EndReason) async throws {
        try await withSession { gateway, number in
            let ending = try #require(try await database.beginEnd(number, reason: reason.text, errorID: nil))
            await gateway.finishEnd(ending)
            #expect(try await database.session(number)?.state == .failed)
        }
    }
}

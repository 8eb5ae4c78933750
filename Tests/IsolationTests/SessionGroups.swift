import Glibc
import HostProtocol
import SessionModel
import Testing

@testable import Isolation

extension Agent {
    /// Starts `command` on a display with limits, as ``start(_:on:session:geometry:)`` does without.
    func start(
        _ command: String, on number: DisplayNumber, session: UInt64 = 7, limits: ResourceLimits
    ) throws -> HostReply {
        var order = try order(command, on: number, session: session, geometry: .usual)
        order.limits = limits
        return try ask(.startApplication(order))
    }

    /// Starts `command`, which says `word` in its log when it has done its worst, and waits for that.
    func attack(
        _ command: String, until word: String, on number: DisplayNumber, limits: ResourceLimits,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> String {
        #expect(
            try start(command, on: number, limits: limits) == .applicationStarted, sourceLocation: sourceLocation)
        while !file("7/app.log").contains(word) {
            if !exists(number) { throw Gone() }
            usleep(2000)
        }
        return file("7/app.log")
    }

    /// The cgroups of a display.
    func groups(ofDisplay number: DisplayNumber) -> ControlGroups { ControlGroups(folders: left(of: number).groups) }

    /// What the first of `files` that is there says of a part of a display.
    func said(_ files: String..., of part: ControlGroups.Part?, on number: DisplayNumber) -> String? {
        for folder in groups(ofDisplay: number).folders(of: part) {
            for file in files {
                if let words = text(of: folder + "/" + file) {
                    return words.split(separator: "\n").first.map(String.init)
                }
            }
        }
        return nil
    }

    /// Bytes that a part of a display had at most; nil where nobody counted.
    func peak(of part: ControlGroups.Part, on number: DisplayNumber) -> Int? {
        said("memory.max_usage_in_bytes", "memory.peak", of: part, on: number).flatMap { Int($0) }
    }

    /// The display shows pixels to who has its key, and an application runs on it to its end.
    func expectUsable(
        _ number: DisplayNumber, session: UInt64, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        try expectShown(number, sourceLocation: sourceLocation)
        #expect(
            try start("echo fine", on: number, session: session) == .applicationStarted,
            sourceLocation: sourceLocation)
        // Another display's application may have ended before.
        var end = try exit()
        while end.display != number { end = try exit() }
        #expect(
            end.status == 0 && file("\(session)/app.log") == "fine\n",
            sourceLocation: sourceLocation)
    }

    /// The display's server answers who has its key.
    func expectShown(_ number: DisplayNumber, sourceLocation: SourceLocation = #_sourceLocation) throws {
        #expect(
            try data("RFB \(number) \(Agent.key.exposed)\n", bytes: 15) == "OK\nRFB 003.008\n",
            sourceLocation: sourceLocation)
    }
}

import Foundation
import Glibc
import SessionModel
import TestServers
import Testing

@testable import SessionControl

@Suite("The journal of views") struct ViewJournalTests {
    private func word(_ view: UInt64, _ seconds: Double) -> ViewBacklog.Entry {
        ViewBacklog.Entry(view: view, began: 1, clock: "boot", opened: 5, seconds: seconds)
    }

    private func withPath(_ body: (String) async throws -> Void) async throws {
        let path = NSTemporaryDirectory() + "mwj-\(UUID().uuidString)"
        defer { unlink(path) }
        try await body(path)
    }

    @Test("what is kept outlives its controller, is written once each, and then the file is gone")
    func survives() async throws {
        try await withPath { path in
            let first = ViewJournal(path: path)
            #expect(await !first.isOpen)
            try await first.keep([word(1, 10), word(2, 3)])
            try await first.keep([word(1, 20)])
            let second = ViewJournal(path: path)
            #expect(await second.isOpen)
            let (words, lines) = await second.waiting
            #expect(words == [word(1, 20), word(2, 3)])
            try await second.written(lines)
            #expect(await !second.isOpen)
            #expect(access(path, F_OK) != 0)
        }
    }

    @Test("what comes while it is written out waits for the next time; who finds the file then finds everything")
    func meanwhile() async throws {
        try await withPath { path in
            let journal = ViewJournal(path: path)
            try await journal.keep([word(1, 10)])
            let (_, lines) = await journal.waiting
            try await journal.keep([word(3, 1)])
            try await journal.written(lines)
            #expect(await journal.isOpen)
            #expect(await journal.waiting.words == [word(3, 1)])
            #expect(await ViewJournal(path: path).waiting.words == [word(1, 10), word(3, 1)])
            try await journal.written(await journal.waiting.lines)
            #expect(access(path, F_OK) != 0)
        }
    }

    @Test("a line that a crash cut short spoils no other")
    func torn() async throws {
        try await withPath { path in
            try await ViewJournal(path: path).keep([word(1, 10)])
            let file = try #require(fopen(path, "a"))
            fputs("{\"view\":9,\"beg", file)
            fclose(file)
            let journal = ViewJournal(path: path)
            try await journal.keep([word(2, 3)])
            #expect(await ViewJournal(path: path).waiting.words.map(\.view) == [1, 2])
        }
    }

    @Test("a disk that takes nothing is told of")
    func fullDisk() async throws {
        let journal = ViewJournal(path: "/dev/full")
        await #expect(throws: (any Error).self) { try await journal.keep([word(1, 10)]) }
    }

    @Test("a line that a full disk cut short spoils no other, once there is room again")
    func fillingDisk() async throws {
        let folder = try PrivateFolder(prefix: "mwj")
        defer { folder.remove() }
        try #require(mount("tmpfs", folder.path, "tmpfs", 0, "size=4k") == 0)
        defer { umount2(folder.path, Int32(MNT_DETACH)) }
        let path = folder.file("views.journal")
        let journal = ViewJournal(path: path)
        try await journal.keep([word(1, 10)])
        await #expect(throws: (any Error).self) { try await journal.keep((2...200).map { word($0, 1) }) }
        try #require(mount("tmpfs", folder.path, "tmpfs", UInt(MS_REMOUNT), "size=64k") == 0)
        try await journal.keep([word(300, 3)])
        let views = await ViewJournal(path: path).waiting.words.map(\.view)
        #expect(views.count > 2 && views.first == 1 && views.last == 300)
    }
}

import Glibc
import HostProtocol
import SessionModel
import TestServers
import Testing

@testable import Isolation

@Suite("an application from a container image", .serialized)
struct ImageTests {
    private let name = "localhost/mw-test-\(Secret.token().exposed.prefix(8)):latest"

    private func podman(_ words: String...) throws -> String {
        try runCommand(["/usr/bin/podman"] + words).output
    }

    @Test("it sees the image's programs, as confined as any other, and podman is left as it was")
    func image() throws {
        let place = "/tmp/mw-tree-\(Secret.token().exposed.prefix(8))"
        defer { removeTree(place) }
        try TreeTests.makeTree(at: place)
        let archive = place + ".tar"
        defer { unlink(archive) }
        _ = try runCommand(["/bin/tar", "-C", place, "-cf", archive, "."])
        _ = try podman("import", archive, name)
        defer { _ = try? podman("rmi", name) }
        try withDisplay(3261) { agent, number in
            let said = try agent.said(TreeTests.look, on: number) { $0.tree = .image(name) }
            TreeTests.check(said, home: agent.home, number: number)
            expectEnded(try agent.end(number))
            #expect(agent.traces(of: number) == [])
            try #require(try agent.make(number) == .displayReady)
            try TreeTests.checkBounds(.image(name), agent, on: number)
            // Only what podman itself calls mounted.
            #expect(try !podman("image", "mount").contains(name))
        }
    }

    @Test("an image that podman does not have is refused with its name")
    func missing() throws {
        try withDisplay(3262) { agent, number in
            var order = try agent.order("true", on: number, session: 7, geometry: .usual)
            order.tree = .image("localhost/mw-nothing:latest")
            let reply = try agent.ask(.startApplication(order))
            expectFailure(reply, .applicationFailed)
            guard case .failed(let failure) = reply else { return }
            #expect(failure.cause.hasPrefix("image localhost/mw-nothing:latest: podman"), "\(failure.cause)")
            expectEnded(try agent.end(number))
        }
    }
}

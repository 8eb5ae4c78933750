import Foundation
import HostProtocol
import SessionModel
import TestServers
import Testing

@testable import HostAccess

@Suite("a host's pinned key")
struct PinTests {
    @Test("many who write it at once all succeed, and it is whole")
    func atOnce() async throws {
        let folder = try PrivateFolder(prefix: "mwpin")
        defer { folder.remove() }
        let endpoint = HostEndpoint(
            name: try HostName("node1"), address: "127.0.0.1", port: 22, account: "root",
            sshHostKey: "ssh-ed25519 AAAA", runFolder: "/run/none")
        let settings = HostAccessSettings(
            key: folder.file("key"), folder: folder.path, connectSeconds: 5, aliveSeconds: 60)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for lane in 0..<200 {
                group.addTask { try SSHCommand(endpoint: endpoint, settings: settings, lane: lane % 4).pin() }
            }
            try await group.waitForAll()
        }
        let written = try String(contentsOfFile: folder.file("node1.pin"), encoding: .utf8)
        #expect(written == "node1 ssh-ed25519 AAAA\n")
    }
}

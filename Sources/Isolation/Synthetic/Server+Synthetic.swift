import CLinux
import Glibc
import HostProtocol
import SessionModel

extension Server {
    /// Hands a display that has its folder to the host's synthetic process, which is started where it is not there.
    func handToSynthetic(_ number: DisplayNumber, _ folder: DisplayFolder, _ lock: Int32) throws(HostFailure) {
        guard let turn = run.syntheticTurn(waits: true) else { throw failure("lock synthetic") }
        defer { close(turn) }
        let listener = try listenUnix(folder.keeper)
        defer { close(listener) }
        let socket = try connectSynthetic()
        defer { close(socket) }
        let words = Array("\(number)".utf8)
        for descriptor in [lock, listener] {
            guard clinux_send_descriptor(socket, nil, 0, words, words.count, descriptor) == words.count else {
                throw failure("send to synthetic")
            }
        }
    }

    private func connectSynthetic() throws(HostFailure) -> Int32 {
        if let socket = connectUnix(run.syntheticSocket) { return socket }
        // Whatever else keeps it from answering, a full queue above all: it is there.
        guard errno == ECONNREFUSED || errno == ENOENT else { throw failure("connect \(run.syntheticSocket)") }
        let door = try listenUnix(run.syntheticSocket)
        defer { close(door) }
        try leave("synthetic", [], [door])
        guard let socket = connectUnix(run.syntheticSocket) else { throw failure("connect \(run.syntheticSocket)") }
        return socket
    }
}

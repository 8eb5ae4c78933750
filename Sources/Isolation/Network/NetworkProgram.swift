import CLinux
import Glibc
import HostProtocol

/// One of ip(8), nft(8) and getent(1) at work: started in a child of its own, without a shell.
///
/// Used in children of the keeper that have a deadline and nothing else to do.
struct NetworkProgram {
    private let name: String
    private let pid: Int32
    /// What it says, its complaints included.
    let output: Int32

    /// Starts the program `words[0]` and gives it `input`; in the network `space`, an open namespace, if that is not our
    /// own.
    init(_ words: [String], input: String = "", in space: Int32? = nil) throws(HostFailure) {
        name = words[0]
        guard let path = programPath(name) else { throw HostFailure(.refused, "\(name) is not installed") }
        var given: [Int32] = [-1, -1]
        var said: [Int32] = [-1, -1]
        guard clinux_pipe(&given) == 0 else { throw failure("pipe") }
        defer { for fd in given { close(fd) } }
        guard clinux_pipe(&said) == 0 else { throw failure("pipe") }
        defer { close(said[1]) }
        for fd in given + said { _ = fcntl(fd, F_SETFL, 0) }
        do throws(HostFailure) {
            pid = try launch(
                [path] + words.dropFirst(), environment: plainEnvironment, descriptors: [given[0], said[1], said[1]]
            ) {
                if let space, clinux_setns(space, clinux_clone_newnet) != 0 { _exit(126) }
            }
        } catch {
            close(said[0])
            throw error
        }
        output = said[0]
        // Who does not read it to the end says why.
        _ = writeAll(Array(input.utf8), to: given[1])
    }

    /// Waits for its end, which is a failure unless its status is 0; answers what it said.
    @discardableResult
    func finish() throws(HostFailure) -> String {
        let words = contents(from: output).map { String(decoding: $0, as: UTF8.self) } ?? ""
        close(output)
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        guard status == 0 else {
            let line =
                words.isEmpty
                ? "wait(2) status \(status)" : words.split(separator: "\n").prefix(2).joined(separator: ", ")
            throw HostFailure(.applicationFailed, "\(name): \(line)")
        }
        return words
    }

    /// Ends it; what it said is of no interest.
    func abandon() {
        kill(pid, SIGKILL)
        close(output)
        waitpid(pid, nil, 0)
    }
}

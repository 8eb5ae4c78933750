import CLinux
import Glibc
import HostProtocol

/// A container image of the host's podman, whose files are an application's tree.
enum ContainerImage {
    /// The tree of the image `name`, which podman has mounted when `mounted` is called, and then has to let go of
    /// (``release(_:)``): what is mounted stays for as long as a session has it.
    ///
    /// The caller is a child that has a deadline, and podman's mounting ends with it.
    static func root(of name: String, mounted: () -> Void) throws(HostFailure) -> OwnRoot {
        guard let podman = programPath("podman") else {
            throw HostFailure(.applicationFailed, "image \(name): podman is not installed")
        }
        let place = try mount(name, podman)
        mounted()
        return try OwnRoot(folder: place)
    }

    private static func mount(_ name: String, _ podman: String) throws(HostFailure) -> String {
        var answer: [Int32] = [-1, -1]
        guard pipe(&answer) == 0 else { throw failure("pipe") }
        defer { close(answer[0]) }
        let child: Int32
        do throws(HostFailure) {
            child = try start([podman, "image", "mount", "--", name], output: answer[1]) {
                _ = clinux_prctl(clinux_pr_set_pdeathsig, UInt(SIGKILL), 0, 0, 0)
            }
        } catch {
            close(answer[1])
            throw error
        }
        close(answer[1])
        let said = contents(from: answer[0]).map { String(decoding: $0, as: UTF8.self) } ?? ""
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0, errno == EINTR {}
        guard status == 0, let line = said.split(separator: "\n").first else {
            throw HostFailure(.applicationFailed, "image \(name): podman does not mount it")
        }
        return String(line)
    }

    /// Has podman let go of the image `name` once; nobody waits for this, it takes as long as the mounting did. Done by the
    /// keeper, who outlives the launch, and whatever ends the session.
    static func release(_ name: String) {
        guard let podman = programPath("podman") else { return }
        _ = try? start([podman, "image", "umount", "--", name], output: 2)
    }

    private static func start(
        _ words: [String], output: Int32, before: () -> Void = {}
    ) throws(HostFailure) -> Int32 {
        let input = open("/dev/null", O_RDONLY | O_CLOEXEC)
        defer { close(input) }
        let environment = plainEnvironment + ["HOME=/root"]
        return try launch(words, environment: environment, descriptors: [input, output, 2], before: before)
    }
}

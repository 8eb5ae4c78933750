import Glibc
import SessionModel
import Subprocess
import SystemPackage

/// The administrator's own ssh to one host: their configuration, agent and known hosts. The first command opens a
/// connection that the others share, so that a password is asked for once.
struct AdministratorSSH {
    let destination: String
    /// The administrator's options, first of all so that they win.
    let options: [String]
    /// A private folder for the shared connection's socket and its log.
    let folder: String

    /// What a command said.
    struct Outcome {
        var output: String
        var good: Bool
    }

    private var shared: [String] { options + ["-o", "ControlPath=\(folder)/c", "-o", "User=root", "-T"] }

    /// Where ssh would go for the destination: `ssh -G` (ssh(1)).
    func resolved() async throws(Refusal) -> (address: String, port: Int) {
        let outcome = try await Self.run("ssh", options + ["-G", "--", destination], quietly: true)
        var found: [Substring: Substring] = [:]
        for line in outcome.output.split(separator: "\n") {
            let words = line.split(separator: " ", maxSplits: 1)
            if words.count == 2, found[words[0]] == nil { found[words[0]] = words[1] }
        }
        guard outcome.good, let address = found["hostname"] else {
            throw Refusal("Your ssh does not know where \(destination) is; please look at its configuration.", .noHost)
        }
        return (String(address), found["port"].flatMap { Int($0) } ?? 22)
    }

    /// Opens the shared connection and runs `script` on the host; gives what it printed and the fingerprint
    /// ("SHA256:…") of the host key that ssh accepted.
    func open(_ script: String) async throws(Refusal) -> (output: String, fingerprint: String) {
        let outcome = try await Self.run(
            "ssh",
            ["-v", "-E", "\(folder)/log", "-o", "ControlMaster=yes", "-o", "ControlPersist=120"] + shared
                + ["--", destination, script])
        let log = (try? text(of: "\(folder)/log")) ?? ""
        guard outcome.good else {
            let reason = log.split(whereSeparator: \.isNewline).last { !$0.hasPrefix("debug") && !$0.isEmpty }
            let said = reason.map { " (\($0.trimmingPrefix { $0 == " " }.filter { $0 != "\r" }))" } ?? ""
            throw Refusal(
                "Your ssh does not get to root at \(destination)\(said); please try 'ssh \(destination)' first.",
                .noHost)
        }
        let mark = "debug1: Server host key: "
        guard let line = log.split(whereSeparator: \.isNewline).last(where: { $0.hasPrefix(mark) }),
            let fingerprint = line.dropFirst(mark.count).split(separator: " ").last?.filter({ $0 != "\r" })
        else {
            throw Refusal(
                "Your ssh did not tell the key of \(destination); OpenSSH 8 or later is needed.", .unavailable)
        }
        return (outcome.output, fingerprint)
    }

    /// Runs `script` on the host with the file at `path`, or nothing, as its input.
    func run(_ script: String, input path: String? = nil) async throws(Refusal) -> Outcome {
        try await Self.run("ssh", ["-o", "ControlMaster=no"] + shared + ["--", destination, script], input: path)
    }

    /// Ends the shared connection.
    func close() async {
        _ = try? await Self.run("ssh", shared + ["-q", "-O", "exit", "--", destination])
    }

    /// Runs a program of this machine to its end; it may ask on the terminal and, unless
    /// `quietly`, complain on standard error.
    static func run(_ program: String, _ arguments: [String], input path: String? = nil, quietly: Bool = false)
        async throws(Refusal)
        -> Outcome
    {
        do {
            let input = try FileDescriptor.open(path ?? "/dev/null", .readOnly)
            let complaints: FileDescriptorOutput =
                quietly
                ? .fileDescriptor(try FileDescriptor.open("/dev/null", .writeOnly), closeAfterSpawningProcess: true)
                : .currentStandardError
            let result = try await Subprocess.run(
                .name(program), arguments: Arguments(arguments),
                input: .fileDescriptor(input, closeAfterSpawningProcess: true),
                output: .string(limit: 1 << 20), error: complaints)
            return Outcome(output: result.standardOutput, good: result.terminationStatus.isSuccess)
        } catch {
            throw Refusal("'\(program)' could not be run here; please install it.", .osFile, cause: "\(error)")
        }
    }

    private func text(of path: String) throws -> String {
        let file = try FileDescriptor.open(path, .readOnly)
        return try file.closeAfter {
            let size = Int(try file.seek(offset: 0, from: .end))
            let bytes = try [UInt8](unsafeUninitializedCapacity: size) { room, count in
                count = try file.read(fromAbsoluteOffset: 0, into: UnsafeMutableRawBufferPointer(room))
            }
            return String(decoding: bytes, as: UTF8.self)
        }
    }
}

import ControlProtocol
import Glibc
import SessionModel
import SystemPackage

// `maxwell host add` becomes this program, so that the portal's command need not carry it.
signal(SIGPIPE, SIG_IGN)

let arguments = Array(CommandLine.arguments.dropFirst())
do {
    guard arguments.starts(with: ["host", "add"]) else {
        throw Refusal("This is the part of maxwell behind 'maxwell host add'; please use that.", .usage)
    }
    if arguments.dropFirst(2).first == "--help" || arguments.count == 2 {
        write(HostAddOptions.help, to: .standardOutput)
        exit(arguments.count == 2 ? ExitStatus.usage.rawValue : 0)
    }
    try await add(HostAddOptions(Array(arguments.dropFirst(2))))
} catch let error as any UserFacingError {
    let answer = PrintedAnswer(error)
    write(answer.complaint, to: .standardError)
    exit(answer.status)
} catch {
    write("Something went wrong in maxwell itself; please tell an administrator.\n", to: .standardError)
    exit(ExitStatus.software.rawValue)
}

/// Adds a host with a private folder for ssh's shared connection, and leaves nothing of it.
func add(_ options: HostAddOptions) async throws {
    var template = Array("/tmp/maxwell-adminXXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
        throw Refusal("There is no room for temporary files in /tmp; please make some.", .cannotCreate)
    }
    let folder = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    defer {
        for name in ["log", "key.pub", "line", "c"] { unlink("\(folder)/\(name)") }
        rmdir(folder)
    }
    let port = options.port.map { ["-p", String($0)] } ?? []
    let ssh = AdministratorSSH(
        destination: options.address ?? options.name.text, options: options.sshOptions + port, folder: folder)
    let addition = HostAddition(options: options, ssh: ssh, agent: options.agent ?? beside("maxwell-host")) {
        print($0)
    }
    do {
        try await addition.run()
    } catch {
        await ssh.close()
        throw error
    }
    await ssh.close()
}

/// Writes at once; when nobody takes it the work goes on.
func write(_ text: String, to descriptor: FileDescriptor) {
    _ = try? descriptor.writeAll(text.utf8)
}

/// A program of ours in this one's folder (proc(5)).
func beside(_ name: String) -> String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX) + 1) { room in
        guard let start = room.baseAddress else { return name }
        let length = readlink("/proc/self/exe", start, Int(PATH_MAX))
        guard length > 0 else { return name }
        room[length] = 0
        let own = String(cString: start)
        return own[...(own.lastIndex(of: "/") ?? own.startIndex)] + name
    }
}

import ControlProtocol
import ControlSocket
import Glibc
import SessionModel

// Whoever reads our answer may leave: a write tells us then, no signal ends us without a status.
signal(SIGPIPE, SIG_IGN)

do {
    switch try Command(try givenArguments()) {
    case .ask(let request, let asJSON): finish(PrintedAnswer(try ask(request), to: request, asJSON: asJSON))
    case .login(let user):
        let request = ControlRequest.login(user: user, password: try readPassword(of: user))
        finish(PrintedAnswer(try ask(request), to: request))
    case .become(let program, let arguments): throw become(program, arguments)
    case .tell(let text): finish(PrintedAnswer(output: text))
    }
} catch let error as any UserFacingError {
    finish(PrintedAnswer(error))
} catch {
    finish(PrintedAnswer(Refusal("Something went wrong in maxwell itself; please tell an administrator.", .software)))
}

/// The command line without the program's name. Text that is not UTF-8 is refused, not mended: mended text is
/// another name.
func givenArguments() throws(Refusal) -> [String] {
    var arguments: [String] = []
    for index in 1..<max(1, Int(CommandLine.argc)) {
        guard let bytes = CommandLine.unsafeArgv[index] else { break }
        guard let argument = String(validatingCString: bytes) else {
            throw Refusal("An argument is not UTF-8 text; please write it in UTF-8.", .usage)
        }
        arguments.append(argument)
    }
    return arguments
}

/// One round trip to the controller, within the time that its work may take.
func ask(_ request: ControlRequest) throws(ControlSocketError) -> ControlReply {
    let connection = try ControlConnection(path: ControlPath.standard(), patience: patience(for: request))
    defer { connection.close() }
    return try connection.ask(request)
}

/// Seconds to wait for an answer.
func patience(for request: ControlRequest) -> Int {
    switch request {
    case .start, .stop, .reap, .check, .createUserHome, .screenshot: 60
    default: 20
    }
}

/// Prints and leaves.
func finish(_ answer: PrintedAnswer) -> Never {
    guard write(answer.output, to: STDOUT_FILENO), write(answer.complaint, to: STDERR_FILENO) else {
        exit(ExitStatus.ioError.rawValue)
    }
    exit(answer.status)
}

/// Writes the whole `text`, unbuffered; false when nobody takes it.
func write(_ text: String, to descriptor: Int32) -> Bool {
    var text = text
    return text.withUTF8 { bytes in
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = write(descriptor, UnsafeBufferPointer(rebasing: rest).baseAddress, rest.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }
}

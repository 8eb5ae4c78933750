import Glibc
import SessionModel

/// A password from the terminal without echo, or the first line of standard input when that is no terminal.
func readPassword(of user: UserName) throws(Refusal) -> Secret {
    guard isatty(STDIN_FILENO) == 1 else { return Secret(try firstLine()) }
    var settings = termios()
    guard tcgetattr(STDIN_FILENO, &settings) == 0 else {
        throw Refusal("The terminal cannot hide a password; please give it on standard input.", .ioError)
    }
    var silent = settings
    silent.c_lflag &= ~tcflag_t(ECHO)
    _ = write("Password for \(user): ", to: STDERR_FILENO)
    // Interrupted while it is hidden, the terminal would stay mute.
    signal(SIGINT, SIG_IGN)
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent)
    defer {
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &settings)
        signal(SIGINT, SIG_DFL)
        _ = write("\n", to: STDERR_FILENO)
    }
    return Secret(try firstLine())
}

/// The first line of standard input without its end, at most 1 KiB.
private func firstLine() throws(Refusal) -> String {
    var line: [UInt8] = []
    var byte: UInt8 = 0
    while line.count <= 1024 {
        let count = read(STDIN_FILENO, &byte, 1)
        if count < 0 && errno == EINTR { continue }
        if count <= 0 || byte == UInt8(ascii: "\n") { break }
        line.append(byte)
    }
    guard !line.isEmpty, line.count <= 1024, let text = String(validating: line, as: UTF8.self) else {
        throw Refusal("No password was given; please type it, or give it on standard input.", .noInput)
    }
    return text
}

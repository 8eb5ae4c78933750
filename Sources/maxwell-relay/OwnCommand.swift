import Glibc

/// How this process was started, for starting its successor.
enum OwnCommand {
    /// Where the program is installed (proc(5), /proc/PID/exe), asked before another version takes its place.
    static func program() -> String {
        var path = [CChar](repeating: 0, count: Int(PATH_MAX))
        guard readlink("/proc/self/exe", &path, path.count - 1) > 0 else { return CommandLine.arguments[0] }
        return path.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
    }

    /// The command line's words after the program, without what a predecessor added.
    static func arguments() -> [String] {
        let words = CommandLine.arguments.dropFirst()
        guard let index = words.firstIndex(of: "--inherit") else { return Array(words) }
        return Array(words[..<index] + words[index...].dropFirst(2))
    }
}

import Glibc

/// Writes a line to standard error; what cannot be written there can be told nowhere.
func complain(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    _ = write(STDERR_FILENO, bytes, bytes.count)
}

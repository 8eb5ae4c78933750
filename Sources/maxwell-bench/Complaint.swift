import Glibc
import SessionModel

/// Writes the sentence to standard error, its cause behind it; what cannot be written there can be told nowhere.
func complain(_ refusal: Refusal) {
    let cause = refusal.operatorCause.map { " (\($0))" } ?? ""
    let bytes = Array((refusal.userMessage + cause + "\n").utf8)
    _ = write(STDERR_FILENO, bytes, bytes.count)
}

import FoundationEssentials
import Glibc

/// JSON lines both ways over non-blocking descriptors, with what could not be written yet kept in memory.
final class LineStream {
    private let input: Int32
    private let output: Int32
    private let loop: Loop
    private var received: [UInt8] = []
    private var unsent: [UInt8] = []
    private var open = true
    private var ended: () -> Void = {}
    private var line: ([UInt8]) -> Void = { _ in }
    private static let longest = 4 << 20
    /// Bytes kept for a peer that does not read.
    private static let mostUnsent = 32 << 20

    /// Serves `input` and `output`, which may be one descriptor, until either side ends; then both are closed.
    init(
        loop: Loop, input: Int32, output: Int32, line: @escaping ([UInt8]) -> Void, ended: @escaping () -> Void
    ) {
        self.loop = loop
        self.input = input
        self.output = output
        self.line = line
        self.ended = ended
        makeNonblocking(input)
        makeNonblocking(output)
        loop.watch(input) { [weak self] events in self?.ready(events) }
        if output != input { loop.watch(output, 0) { [weak self] _ in self?.flush() } }
    }

    /// Sends `message` as one line.
    func send(_ message: some Encodable) {
        guard open, let bytes = try? JSONEncoder().encode(message) else { return }
        unsent += bytes
        unsent.append(UInt8(ascii: "\n"))
        flush()
        if unsent.count > Self.mostUnsent { fail() }
    }

    /// Closes both descriptors; `ended` is not called.
    func close() {
        guard open else { return }
        open = false
        loop.forget(input)
        loop.forget(output)
        Glibc.close(input)
        if output != input { Glibc.close(output) }
    }

    private func fail() {
        guard open else { return }
        close()
        ended()
    }

    private func ready(_ events: Int16) {
        if events & Int16(POLLOUT) != 0 { flush() }
        guard open, events & Int16(POLLIN | POLLHUP | POLLERR) != 0 else { return }
        var part = [UInt8](repeating: 0, count: 65536)
        let count = read(input, &part, part.count)
        if count < 0 && (errno == EAGAIN || errno == EINTR) { return }
        guard count > 0 else { return fail() }
        received += part[..<count]
        guard part[..<count].contains(UInt8(ascii: "\n")) else {
            if received.count > Self.longest { fail() }
            return
        }
        let lines = received.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        received = lines.last.map(Array.init) ?? []
        for bytes in lines.dropLast() where open { line(Array(bytes)) }
    }

    private func flush() {
        while open, !unsent.isEmpty {
            let count = write(output, unsent, unsent.count)
            if count < 0 && errno == EINTR { continue }
            if count < 0 && errno == EAGAIN { break }
            guard count > 0 else { return fail() }
            unsent.removeFirst(count)
        }
        guard open else { return }
        let sending = unsent.isEmpty ? 0 : POLLOUT
        loop.wait(output, for: output == input ? POLLIN | sending : sending)
    }
}

/// `bytes` as a value, nil when they are not one.
func decoded<Value: Decodable>(_ bytes: [UInt8], as type: Value.Type = Value.self) -> Value? {
    try? JSONDecoder().decode(type, from: Data(bytes))
}

/// `value` as JSON.
func encoded(_ value: some Encodable) -> [UInt8] { (try? JSONEncoder().encode(value)).map(Array.init) ?? [] }

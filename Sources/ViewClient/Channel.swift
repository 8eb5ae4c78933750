/// A stream of bytes with a deadline on every call. One thread uses it at a time.
protocol Channel: AnyObject {
    /// 1 to `limit` bytes as soon as some are there; none at an orderly end. `what` names them in an error.
    func receive(upTo limit: Int, _ what: String, by deadline: Deadline) throws(ViewError) -> [UInt8]
    /// All of `bytes`.
    func send(_ bytes: [UInt8], by deadline: Deadline) throws(ViewError)
    /// Ends the stream; twice does no harm.
    func close()
    /// Lets the connection go without a word, as when its process is killed; twice does no harm.
    func abandon()
}

extension Channel {
    /// The answer to a request of HTTP/1.x: the bytes up to and with the empty line, one by one, so that what follows
    /// stays in the channel. At most 8 KiB.
    func httpHead(by deadline: Deadline) throws(ViewError) -> [String] {
        var head: [UInt8] = []
        while !head.suffix(4).elementsEqual("\r\n\r\n".utf8) {
            let byte = try receive(upTo: 1, "the answer to the request", by: deadline)
            guard !byte.isEmpty else { throw .closed(waitingFor: "the answer to the request") }
            head += byte
            guard head.count <= 8192 else { throw .broken("an HTTP head of more than 8 KiB") }
        }
        return String(decoding: head, as: UTF8.self).split(separator: "\r\n").map(String.init)
    }

    /// Reads the answer's head and throws ``ViewError/refused(status:line:)`` unless it has `status`.
    func expectStatus(_ status: Int, by deadline: Deadline) throws(ViewError) -> [String] {
        let head = try httpHead(by: deadline)
        guard let line = head.first, line.hasPrefix("HTTP/1.") else { throw .broken("no HTTP status line") }
        let words = line.split(separator: " ")
        guard words.count >= 2, let told = Int(words[1]) else { throw .broken("no HTTP status in the status line") }
        guard told == status else { throw .refused(status: told, line: line) }
        return head
    }
}

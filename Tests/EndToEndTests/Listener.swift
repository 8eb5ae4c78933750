import Foundation

/// Something on the machine that takes whatever comes to a port, over TCP and UDP, and writes it down.
final class Listener {
    let address: String
    let port: Int
    private let heard: String
    private var processes: [Process] = []

    /// Listens on a free port of `address`, in the network of the process that `prefix` runs in.
    init(_ address: String, port: Int, in prefix: [String] = []) throws {
        self.address = address
        self.port = port
        heard = NSTemporaryDirectory() + "mwl-\(UUID().uuidString)"
        let isSix = address.contains(":")
        let bound = isSix ? "[\(address)]" : address
        for kind in ["TCP", "UDP"] {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            let word = kind == "TCP" ? "TCP\(isSix ? 6 : 4)-LISTEN" : "UDP\(isSix ? 6 : 4)-RECVFROM"
            process.arguments =
                prefix + ["socat", "-u", "\(word):\(port),bind=\(bound),fork,reuseaddr", "OPEN:\(heard),creat,append"]
            try process.run()
            processes.append(process)
        }
        let family = isSix ? "TCP6" : "TCP4"
        try Gateway.eventually("\(address) port \(port) listens") {
            try Gateway.run(prefix + ["socat", "-u", "/dev/null", "\(family):\(bound):\(port)"]).status == 0
        }
    }

    /// What came, from whomever.
    var received: String { (try? String(contentsOfFile: heard, encoding: .utf8)) ?? "" }

    func stop() {
        // A test's thread has its signals blocked, and what it starts inherits that.
        for process in processes where process.isRunning { kill(process.processIdentifier, SIGKILL) }
        try? FileManager.default.removeItem(atPath: heard)
    }
}

import Glibc
import HostProtocol

/// The addresses of names as this host knows them: getent(1), so that its nsswitch.conf(5) holds, which a static
/// executable cannot read.
enum NameLookup {
    /// Looks all of `names` up at the same time; one that has no answer within `seconds` is left out.
    static func addresses(of names: [String], within seconds: Double) -> [String: [IPNetwork]] {
        let deadline = now() + seconds
        var asked: [(name: String, program: NetworkProgram, said: [UInt8])] = []
        for name in names {
            if let program = try? NetworkProgram(["getent", "ahosts", name]) { asked.append((name, program, [])) }
        }
        var found: [String: [IPNetwork]] = [:]
        while !asked.isEmpty {
            var polled = asked.map { pollfd(fd: $0.program.output, events: Int16(POLLIN), revents: 0) }
            let patience = Int32(max(0, (deadline - now()) * 1000).rounded(.up))
            guard poll(&polled, nfds_t(polled.count), patience) > 0 || errno == EINTR && now() < deadline else { break }
            for index in asked.indices.reversed() where polled[index].revents != 0 {
                var part = [UInt8](repeating: 0, count: 4096)
                let count = read(asked[index].program.output, &part, part.count)
                if count > 0, asked[index].said.count < 65_536 {
                    asked[index].said += part[..<count]
                } else {
                    let one = asked.remove(at: index)
                    one.program.abandon()
                    found[one.name] = addresses(in: String(decoding: one.said, as: UTF8.self))
                }
            }
        }
        for one in asked { one.program.abandon() }
        return found.filter { !$0.value.isEmpty }
    }

    /// The addresses that begin the lines of `ahosts`, each once.
    static func addresses(in answer: String) -> [IPNetwork] {
        var found: [IPNetwork] = []
        for line in answer.split(separator: "\n") {
            guard let word = line.split(whereSeparator: { $0 == " " || $0 == "\t" }).first,
                let address = IPNetwork(String(word)), address.isAddress, !found.contains(address)
            else { continue }
            found.append(address)
            if found.count == Reach.mostAddresses { break }
        }
        return found
    }
}

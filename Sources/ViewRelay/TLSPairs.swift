import Glibc

/// The pairs in use: one for everything that starts with TLS, a self-signed one for the TLS after a CONNECT in clear.
struct TLSPairs: Sendable {
    let tls: TLSContext
    let direct: TLSContext?

    /// Loads what `configuration` names.
    init(_ configuration: RelayConfiguration, ticketKeys: TicketKeys) throws(RelayStartError) {
        tls = try TLSContext(configuration.pair, configuration, ticketKeys: ticketKeys)
        if let pair = configuration.directPair {
            direct = try TLSContext(pair, configuration, ticketKeys: ticketKeys)
        } else {
            direct = nil
        }
    }

    /// Days until the first of the certificates ends.
    var daysLeft: Int { min(tls.daysLeft, direct?.daysLeft ?? Int.max) }
}

/// How the files of the pairs look from outside: another look means other contents.
struct PairFiles: Equatable, Sendable {
    private struct Look: Equatable {
        var inode: UInt64 = 0
        var size: Int64 = -1
        var seconds = 0
        var nanoseconds = 0
    }

    private let looks: [Look]

    /// As they are now; a file that is not there has a look too.
    init(_ configuration: RelayConfiguration) {
        let pairs = [configuration.pair] + (configuration.directPair.map { [$0] } ?? [])
        looks = pairs.flatMap { [$0.certificate, $0.key] }.map { path in
            var status = stat()
            guard stat(path, &status) == 0 else { return Look() }
            return Look(
                inode: UInt64(status.st_ino), size: Int64(status.st_size), seconds: status.st_mtim.tv_sec,
                nanoseconds: status.st_mtim.tv_nsec)
        }
    }
}

/// How a relay calls itself.
public struct RelayIdentity: Sendable, Equatable {
    /// A name has at most this many characters.
    public static let nameLimit = 80

    /// The relay, whoever runs it: its machine and where it listens, the same after each start.
    public let name: String
    /// This life of it: 16 hex digits, others after each start.
    public let instance: String

    /// The relay on `host` that listens at `addresses`; `random` is drawn once per start.
    public init(host: String, addresses: [String], random: UInt64) {
        name = String(([host] + addresses).joined(separator: " ").prefix(RelayIdentity.nameLimit))
        let digits = String(random, radix: 16)
        instance = String(repeating: "0", count: 16 - digits.count) + digits
    }
}

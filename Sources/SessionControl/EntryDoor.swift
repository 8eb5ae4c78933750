import Glibc
import SessionModel

/// Where passwords are checked: one of an account at a time, and the later the more were wrong.
actor EntryDoor {
    private var slowDown = EntrySlowDown()
    private let now: @Sendable () -> Double
    private let wait: @Sendable (Double) async throws -> Void

    /// A door at which nobody has come yet. `now` and `wait` are the clock, in seconds.
    init(
        now: @escaping @Sendable () -> Double = { MachineClock.monotonic },
        wait: @escaping @Sendable (Double) async throws -> Void = { try await Task.sleep(for: .seconds($0)) }
    ) {
        self.now = now
        self.wait = wait
    }

    /// Whether `check` found the password right. Throws ``SessionError/tooManyTries`` when it would be too late.
    func isRight(
        account: UserName?, address: String, _ check: @Sendable () async throws -> Bool
    ) async throws -> Bool {
        let (account, source) = (account?.text, Self.source(of: address))
        let came = now()
        waiting: while true {
            switch slowDown.turn(account: account, source: source, came: came, now: now()) {
            case .now: break waiting
            case .later(let seconds): try await wait(seconds)
            case .refused: throw SessionError.tooManyTries
            }
        }
        var isRight: Bool?
        defer { slowDown.ended(account: account, source: source, isRight: isRight, now: now()) }
        let answer = try await check()
        isRight = answer
        return answer
    }

    /// The place that an address stands for: one IPv4 address, or an IPv6 network of 64 bits, which is what one customer
    /// has (RFC 6177 §2).
    static func source(of address: String) -> String {
        var bytes = in6_addr()
        guard inet_pton(AF_INET6, address.split(separator: "%").first.map(String.init) ?? "", &bytes) == 1 else {
            return address
        }
        return withUnsafeBytes(of: &bytes) { bytes in
            if bytes.prefix(12).elementsEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]) {
                return bytes.dropFirst(12).map { "\($0)" }.joined(separator: ".")
            }
            return bytes.prefix(8).map { String($0, radix: 16) }.joined(separator: ":") + "/64"
        }
    }
}

import HostProtocol
import SessionModel

/// What a request may hold, asked once more by the host itself: who sends it may have been deceived or taken over, and
/// here it is carried out as root. Pure.
enum OrderCheck {
    /// Why `request` is refused, in one sentence; nil when everything in it is as it must be.
    static func fault(in request: HostRequest) -> String? {
        do throws(Fault) {
            try check(request)
            return nil
        } catch {
            return error.words
        }
    }

    /// Why no home is at `path`, in one sentence; nil when one may be.
    static func fault(ofHome path: String) -> String? {
        do throws(Fault) {
            try check(home: path)
            return nil
        } catch {
            return error.words
        }
    }

    private struct Fault: Error {
        let words: String
    }

    private static func require(_ condition: Bool, _ words: @autoclosure () -> String) throws(Fault) {
        guard condition else { throw Fault(words: words()) }
    }

    private static func check(_ request: HostRequest) throws(Fault) {
        switch request {
        case .ping, .inventory, .check, .screenshot: break
        case .makeDisplay(let order): try check(order)
        case .startApplication(let order): try check(order)
        case .endDisplay(_, let key, let patience):
            try require(patience.isFinite && patience >= 0, "An end's patience is 0 seconds or more.")
            try check(key: key)
        case .account(_, let key): try check(key: key)
        case .message(_, let key, let text, let seconds):
            try check(key: key)
            try require(text.utf8.count <= Message.length, "A message has at most \(Message.length) bytes.")
            try require((1...2_592_000).contains(seconds), "A message is shown for 1 second to 30 days.")
        case .makeHome(let account), .cleanAccount(let account): try check(account)
        case .homeUsage(let account, let maxAge):
            try check(account)
            try require(maxAge.isFinite && maxAge >= 0, "Figures are at most 0 seconds old, or more.")
        case .purge(let account, let days, let live):
            try check(account)
            try require((0...36_500).contains(days), "Results are removed after 0 to 36,500 days.")
            try require(live.count <= 100_000, "A user has at most 100,000 sessions.")
        case .setQuota(let uid, let soft, let hard, let home):
            try check(id: uid, "uid")
            try check(home: home)
            // In blocks of 1024 bytes: what a file system can count.
            try require(max(soft, hard) <= 1 << 50, "A quota is at most 2⁵⁰ blocks.")
        }
    }

    private static func check(_ order: DisplayOrder) throws(Fault) {
        try check(id: order.uid, "uid")
        try check(key: order.key)
        try require([8, 16, 24].contains(order.depth), "A display's depth is 8, 16 or 24.")
        let password = order.password.exposed.utf8
        try require(
            (1...8).contains(password.count) && password.allSatisfy { (0x20...0x7E).contains($0) },
            "A display's password has 1 to 8 printable characters.")
    }

    private static func check(_ order: ApplicationOrder) throws(Fault) {
        try check(key: order.key)
        try require(
            order.session.value > 0 && order.session.value <= UInt64(UInt32.max), "That is no session's number.")
        try check(order.account)
        // One argument of execve(2) has at most 131,072 bytes.
        try check(text: order.command, 65_536, "An application's command")
        try require(!order.command.isEmpty, "An application has a command.")
        try check(text: order.resources.exposed, 1 << 18, "An application's resources")
        if let parameters = order.parameters { try check(text: parameters, 1 << 19, "An application's parameters") }
        try check(environment: order.environment)
        try require(order.limits.isValid, "An application's limits are out of their ranges.")
        if let network = order.network { try check(network) }
        try check(order.tree)
        if let notice = order.notice { try check(text: notice, Message.length, "A notice") }
    }

    // MARK: Who

    private static func check(_ account: Account) throws(Fault) {
        try check(id: account.uid, "uid")
        try check(id: account.gid, "gid")
        try check(home: account.home)
        try require(
            isPath(account.shell), "An account's shell is an absolute path in its plainest form.")
        // setgroups(2) takes no more.
        try require(account.groups.count < 65_536, "An account is in fewer than 65,536 groups.")
        for group in account.groups {
            try check(id: group.gid, "gid")
            try check(text: group.name, 256, "A group's name")
        }
    }

    /// The system's own accounts, nobody (which is also what NFS makes of root) and what is no id (chown(2)) run nothing
    /// here and own nothing.
    private static func check(id: UInt32, _ kind: String) throws(Fault) {
        try require(id >= 1000 && id != 65534 && id != .max, "No session may have \(kind) \(id).")
    }

    private static func check(key: Secret?) throws(Fault) {
        try require(key.map { Secret.isToken($0.exposed) } ?? true, "A display's key has 32 hexadecimal digits.")
    }

    // MARK: Where

    /// Folders of the system: a folder that root made there and gave to a user would let the user rule the host. Where
    /// links lead, ``HomePlace`` asks again.
    private static let ofSystem: Set<Substring> = [
        "bin", "boot", "dev", "etc", "lib", "lib32", "lib64", "libx32", "proc", "root", "run", "sbin", "sys", "usr",
    ]
    private static func check(home: String) throws(Fault) {
        try require(isPath(home), "A home is an absolute path in its plainest form.")
        let parts = home.split(separator: "/")
        // Of /var some parts may be people's: /var/home/alice, /var/lib/homes/alice.
        let isInVar =
            parts.starts(with: ["var", "home"]) && parts.count > 2
            || parts.starts(with: ["var", "lib"]) && parts.count > 3
        try require(
            !ofSystem.contains(parts[0]) && (parts[0] != "var" || isInVar), "A home is in no folder of the system's.")
    }

    /// Absolute, with nothing in it that leads back or nowhere, at most 1,024 bytes, below the root.
    private static func isPath(_ path: String) -> Bool {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        return path.utf8.count <= 1024 && parts.count > 1 && parts[0].isEmpty
            && parts.dropFirst().allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." }
            && path.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F }
    }

    private static func check(_ tree: SystemTree) throws(Fault) {
        switch tree {
        case .host: break
        case .folder(let path):
            try require(isPath(path), "An application's tree is an absolute path in its plainest form.")
        case .image(let name):
            try require(
                name.utf8.count <= 255 && name.utf8.first.map(isAlphanumeric) ?? false
                    && name.utf8.allSatisfy { isAlphanumeric($0) || "._-/:@".utf8.contains($0) },
                "An image's name looks like localhost/tools:2.")
        }
    }

    // MARK: What

    private static func check(text: String, _ most: Int, _ what: String) throws(Fault) {
        try require(text.utf8.count <= most, "\(what) has at most \(most) bytes.")
        try require(!text.utf8.contains(0), "\(what) holds no zero byte.")
    }

    private static func check(environment: [String: String]) throws(Fault) {
        try require(environment.count <= 256, "An application's environment has at most 256 variables.")
        for (name, value) in environment {
            let letters = name.utf8
            try require(
                (1...100).contains(letters.count) && letters.allSatisfy { isAlphanumeric($0) || $0 == 0x5F }
                    && letters.first.map { !(0x30...0x39).contains($0) } ?? false,
                "A variable's name has letters, digits and '_' only.")
            try check(text: value, 32_768, "A variable")
        }
        let size = environment.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count }
        try require(size <= 1 << 18, "An application's environment has at most 262144 bytes.")
    }

    private static func check(_ network: NetworkOrder) throws(Fault) {
        if case .allow(let targets) = network.policy {
            let most = Reach.mostTargets
            try require(targets.count <= most, "An application reaches at most \(most) named places.")
        }
        try require(
            network.denied.count <= 1024 && network.denied.allSatisfy { IPNetwork($0) != nil },
            "What is denied is at most 1,024 addresses and networks.")
        try require(
            IPNetwork(network.range).map { !$0.isSix && $0.bits <= 20 } ?? false,
            "The cables' network is an IPv4 network of at most 20 bits.")
        try require(
            IPNetwork(network.range6).map { $0.isSix && $0.bits <= 64 } ?? false,
            "The cables' other network is an IPv6 network of at most 64 bits.")
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }
}

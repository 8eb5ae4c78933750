import ControlProtocol
import ControlSocket
import Glibc
import SessionModel
import Stress
import StressLoad

/// The gateway behind a control socket: a load on it, its ledger of that, and what is left on it.
final class GatewayField: StressField, Sendable {
    let gateway: String
    private let load: Load
    private let socket: String
    /// Seconds by which the ledger's rows may differ more than usual: where a fault cuts views, their last proof of life counts.
    private let slack: Double

    /// Where the relay is that viewers go to is `options`'; `isBroken`: faults will happen on purpose.
    init(_ options: Load.Options, isBroken: Bool) throws(LoadError) {
        load = try Load(options)
        socket = options.socket
        slack = isBroken ? 15 : 0
        gateway = hostName()
    }

    func look(before plan: StressPlan) throws {
        try lookAtDescriptors(plan)
        let remains = try account.leftovers().filter(\.isOfARun)
        guard remains.isEmpty else {
            throw Refusal(
                "An earlier run has left something behind; 'maxwell stress --clean' ends and removes it.",
                .tryAgain,
                cause: remains[0].text)
        }
        guard try takesSessions() else {
            throw Refusal("No execution host takes sessions now; 'maxwell hosts' tells why.", .tryAgain)
        }
    }

    func run(_ plan: StressPlan, tell: @escaping (Observation) -> Void) throws { try load.run(plan, tell: tell) }

    func stop() { load.stop() }

    func ledger() throws -> LedgerFigures? {
        let check = try load.ledgerCheck(account, slack: slack)
        return LedgerFigures(
            views: check.views, rows: check.rows, mismatches: check.mismatches.count,
            examples: Array(check.mismatches.prefix(10)))
    }

    func clean() throws { _ = try account.clean() }

    func leftovers() throws -> [String]? { try account.leftovers().map(\.text) }

    /// Made anew each time: the controller may have been ended in between.
    private var account: StressAccount { StressAccount(socket: socket) }

    /// Whether any host is up.
    private func takesSessions() throws -> Bool {
        let connection = try ControlConnection(path: socket, patience: 30)
        defer { connection.close() }
        guard case .hosts(let lines) = try connection.ask(.hosts) else { return true }
        return lines.contains { $0.connected && $0.status == "up" }
    }

    /// Refuses a plan that this process has not enough descriptors for: a viewer takes one, a word under way another.
    private func lookAtDescriptors(_ plan: StressPlan) throws(Refusal) {
        let needed = plan.mostAtOnce.viewers + 500
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0, limit.rlim_cur < UInt(needed) else {
            return
        }
        throw Refusal(
            "This run needs \(needed) descriptors and may have \(limit.rlim_cur); say 'ulimit -n \(needed)' as root first, or ask for fewer viewers.",
            .osError)
    }
}

/// The name of this machine.
private func hostName() -> String {
    var name = [UInt8](repeating: 0, count: 256)
    let isKnown = name.withUnsafeMutableBytes { bytes in
        bytes.withMemoryRebound(to: CChar.self) { text in
            text.baseAddress.map { gethostname($0, text.count - 1) == 0 } ?? false
        }
    }
    return isKnown ? String(decoding: name.prefix { $0 != 0 }, as: UTF8.self) : "this machine"
}

import ControlProtocol
import ControlSocket
import Glibc
import SessionModel
import Stress
import StressFaults
import StressLoad

/// The gateway that `command` names: a quick start is looked at more closely, and only it can be broken.
func openField(_ command: StressCommand, _ options: StressOptions) throws -> any StressField & Sendable {
    let faults = try options.faults.map { text throws(FaultSpecError) in try FaultSpec(text) }
    let quickStart: QuickStart?
    do throws(QuickStartError) {
        quickStart = try namedQuickStart()
    } catch {
        guard faults == nil else { throw error }
        // A gateway like any other, also for a member of controller.stress_group who is not root and puts a quick start
        // under load: nobody looks at what has a name there, and the report has what the gateway knows to be left.
        quickStart = nil
    }
    let gateway = try GatewayField(try loadOptions(command, options), isBroken: faults != nil)
    return quickStart.map { QuickStartField(gateway, on: $0, faults: faults, seed: options.seed) } ?? gateway
}

/// Mends what a run left broken, ends and removes all that belongs to stress users, and tells how much it was and what is
/// left. It cleans also where something cannot be mended, and throws that then.
func cleanGateway() throws -> (told: String, left: [StressLeftover]) {
    let mending = Result { try quickStartToMend()?.mendAll() ?? [] }
    let cleaning = Result { try StressAccount().clean() }
    // What is broken may be why the rest could not be cleaned.
    let mended = try mending.get()
    let (sessions, rows, left) = try cleaning.get()
    guard sessions > 0 || rows > 0 || !mended.isEmpty || left.contains(where: \.isOfARun) else {
        return ("There was nothing of any run.", left)
    }
    let faults = mended.isEmpty ? "" : "Faults mended: \(mended.joined(separator: ", ")). "
    return (faults + "Sessions removed: \(sessions). Rows removed: \(rows).", left)
}

/// The quick start that the environment names; nil where it names none, or one that cannot have been broken. Throws
/// where only somebody else could mend it.
private func quickStartToMend() throws(QuickStartError) -> QuickStart? {
    do throws(QuickStartError) {
        return try namedQuickStart()
    } catch {
        switch error {
        case .notHere, .otherGateway, .hostsArePlain: return nil
        case .notRoot, .refused: throw error
        }
    }
}

/// The quick start that the environment names.
private func namedQuickStart() throws(QuickStartError) -> QuickStart {
    var environment: [String: String] = [:]
    for name in ["MAXWELL_STATE", "MAXWELL_SQL"] { environment[name] = variable(name) }
    // Where the words go, also where nobody said so: it has to be the gateway that is looked at, and broken.
    environment["MAXWELL_SOCKET"] = ControlPath.standard()
    return try QuickStart(environment: environment)
}

private func loadOptions(_ command: StressCommand, _ options: StressOptions) throws(Refusal) -> Load.Options {
    var load = Load.Options()
    if options.via == .cli { load.via = .command(try neighbour("maxwell")) }
    load.authority = command.ca ?? variable("MAXWELL_CA") ?? "/etc/ssl/certs/ca-certificates.crt"
    if command.host != nil || command.port != nil {
        guard let host = command.host, let port = command.port else {
            throw Refusal("--host and --port say together where the relay is; please give both.", .usage)
        }
        load.relay = (host, port)
    }
    return load
}

/// The value of `$name`; nil when it is not set, or empty.
private func variable(_ name: String) -> String? {
    guard let value = getenv(name), value.pointee != 0 else { return nil }
    return String(cString: value)
}

/// The program `name` in the folder this one was started from (proc(5)).
private func neighbour(_ name: String) throws(Refusal) -> String {
    var room = [UInt8](repeating: 0, count: Int(PATH_MAX))
    let length = room.withUnsafeMutableBytes { bytes in
        bytes.withMemoryRebound(to: CChar.self) { text in
            text.baseAddress.map { readlink("/proc/self/exe", $0, text.count) } ?? -1
        }
    }
    guard length > 0 else { throw Refusal("maxwell-stress cannot tell where it is installed.", .osError) }
    let own = String(decoding: room.prefix(length), as: UTF8.self)
    return own.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 } + "/" + name
}

import ArgumentParser
import FoundationEssentials
import Glibc
import SessionModel
import ViewClient

/// `maxwell bench`.
struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "maxwell bench",
        abstract: "Times sessions from start over first pixels to stop, or many starts at once.",
        version: maxwellVersion)

    @Option(help: "Sessions to start, see and stop, one after the other.")
    var count = 50
    @Option(help: ArgumentHelp("Start this many sessions at once instead, then stop them.", valueName: "n"))
    var burst: Int?
    @Flag(help: "After a burst, wait until the hosts have as many ready displays as before.")
    var refill = false
    @Option(help: "The application.")
    var app = "xterm"
    @Option(help: "Whose sessions they are.")
    var user = "alice"
    @Flag(inversion: .prefixedNo, help: "Look at each session through the relay until its first pixels are seen.")
    var pixels = true
    @Option(help: "The relay's host, if not the one 'maxwell view' tells.")
    var host: String?
    @Option(help: "The relay's port, if not the one 'maxwell view' tells.")
    var port: Int?
    @Option(help: "The authority of the relay's certificate (PEM), if not $MAXWELL_CA or the system's.")
    var ca: String?
    @Flag(help: "Print JSON.")
    var json = false
    @Option(help: ArgumentHelp("Write the JSON to this file as well.", valueName: "file"))
    var save: String?

    func validate() throws {
        guard (1...10000).contains(count) else { throw ValidationError("--count takes a number from 1 to 10000.") }
        guard (1...900).contains(burst ?? 1) else { throw ValidationError("--burst takes a number from 1 to 900.") }
        guard (1...65535).contains(port ?? 1) else { throw ValidationError("--port takes a number from 1 to 65535.") }
        guard burst != nil || !refill else { throw ValidationError("--refill needs --burst.") }
    }

    func run() throws {
        do throws(Refusal) {
            let gateway = Gateway(command: try neighbour("maxwell"), user: user, application: app)
            let report = if let burst { try measure(burst: burst, gateway) } else { try rounds(gateway) }
            let text = try report.json()
            if let save { try write(text, to: save) }
            print(json ? text : report.text, terminator: "")
            guard report.burst?.isGood != false else {
                throw Refusal("Not everything went well in the burst.", .unavailable)
            }
        } catch {
            complain(error)
            throw ExitCode(error.exitStatus.rawValue)
        }
    }

    private func rounds(_ gateway: Gateway) throws(Refusal) -> Report {
        let authority =
            ca ?? ProcessInfo.processInfo.environment["MAXWELL_CA"] ?? "/etc/ssl/certs/ca-certificates.crt"
        var rounds = Rounds(
            gateway, through: pixels ? Doorway(host: host, port: port, trust: .authority(file: authority)) : nil)
        for _ in 0..<count { try rounds.run() }
        return Report(figures: rounds.figures)
    }

    private func measure(burst count: Int, _ gateway: Gateway) throws(Refusal) -> Report {
        let before = refill ? try Refill.ready(gateway) : [:]
        var burst = Burst(of: count, by: gateway)
        var refilled: [Refill]?
        do throws(Refusal) {
            try burst.verify()
            if refill { refilled = try Refill.watch(gateway, since: burst, before: before) }
        } catch {
            // The sessions are ours to end, whatever else failed.
            burst.stop()
            throw error
        }
        burst.stop()
        return Report(figures: [burst.started, burst.stopped], burst: burst, refill: refilled)
    }

    private func write(_ text: String, to file: String) throws(Refusal) {
        let stream = fopen(file, "w")
        let written = stream.map { fputs(text, $0) >= 0 } ?? false
        guard written, stream.map({ fclose($0) }) == 0 else {
            throw Refusal(
                "The figures cannot be written to \(file).", .cannotCreate, cause: String(cString: strerror(errno)))
        }
    }
}

/// The program `name` in the folder this one was started from (proc(5)).
func neighbour(_ name: String) throws(Refusal) -> String {
    var room = [UInt8](repeating: 0, count: Int(PATH_MAX))
    let length = room.withUnsafeMutableBytes { bytes in
        bytes.withMemoryRebound(to: CChar.self) { text in
            text.baseAddress.map { readlink("/proc/self/exe", $0, text.count) } ?? -1
        }
    }
    guard length > 0 else { throw Refusal("maxwell-bench cannot tell where it is installed.", .osError) }
    let own = String(decoding: room.prefix(length), as: UTF8.self)
    return own.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 } + "/" + name
}

Bench.main()

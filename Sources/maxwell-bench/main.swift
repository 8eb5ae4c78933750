import ArgumentParser
import Glibc
import SessionModel

/// `maxwell bench`.
struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "maxwell bench", abstract: "Times start, view and stop from process spawn to exit.",
        version: maxwellVersion)

    @Option(help: "Sessions to start, see and stop, one after the other.")
    var count = 20
    @Option(help: "The application.")
    var app = "xterm"
    @Option(help: "Whose sessions they are.")
    var user = "alice"
    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        guard (1...10000).contains(count) else { throw ValidationError("--count takes a number from 1 to 10000.") }
    }

    func run() throws {
        do throws(Refusal) {
            var rounds = Rounds(command: try neighbour("maxwell"), user: user, application: app)
            for _ in 0..<count { try rounds.run() }
            print(json ? Report.json(rounds.all) : Report.table(rounds.all), terminator: "")
        } catch {
            complain(error.userMessage)
            throw ExitCode(error.exitStatus.rawValue)
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

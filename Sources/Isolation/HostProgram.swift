import CLinux
import Glibc
import HostProtocol
import SessionModel

/// What `maxwell-host` does with its words.
public enum HostProgram {
    private static let usage = """
        usage: maxwell-host [--run DIR] [--isolation container|none] [--xvnc PROGRAM]
                                             [--names-every SECONDS] serve | check
                                             | startvnc N WxH DEPTH [--uid UID] (its password on standard input)
                                             | stopvnc N
        """

    /// Runs until the work is done; answers the exit status.
    public static func run(_ arguments: [String]) -> Int32 {
        // What our agent starts was executed as /proc/self/exe, which is no name to look for in a list of processes.
        "maxwell-host".withCString { name in
            _ = clinux_prctl(clinux_pr_set_name, UInt(bitPattern: name), 0, 0, 0)
        }
        var words = arguments[...]
        var path = "/run/maxwell"
        var isolation = RunFolder.Isolation.container
        var displayServer = "Xvnc"
        var namesEvery = 60.0
        while let word = words.first, word.hasPrefix("--") {
            words.removeFirst()
            switch (word, words.popFirst()) {
            case ("--run", let value?) where value.hasPrefix("/"): path = value
            case ("--isolation", "container"): isolation = .container
            case ("--isolation", "none"): isolation = .none
            case ("--xvnc", let value?) where !value.isEmpty && !value.hasPrefix("-"): displayServer = value
            case ("--names-every", let value?):
                guard let seconds = Double(value), (0.1...86_400).contains(seconds) else { return refuse(usage) }
                namesEvery = seconds
            case ("--version", nil):
                print("maxwell-host \(maxwellVersion)")
                return 0
            default: return refuse(usage)
            }
        }
        let run = RunFolder(path: path, isolation: isolation, displayServer: displayServer, namesEvery: namesEvery)
        if getenv("SSH_ORIGINAL_COMMAND") != nil, words.first != "serve" {
            return refuse("this key may only run serve")
        }
        switch (words.first, words.count) {
        case ("serve", 1):
            do throws(HostFailure) {
                try Server.main(run: run)
                return 0
            } catch {
                log("serve: \(error.cause)")
                return ExitStatus.osError.rawValue
            }
        case ("data", 1): DataDoor.main(run: run)
        case ("keep", 2):
            guard let number = words.last.flatMap({ Int($0) }).flatMap({ try? DisplayNumber($0) }) else {
                return refuse(usage)
            }
            Keeper.main(run: run, display: number)
        case ("synthetic", 1): SyntheticHost.main(run: run)
        case ("check", 1):
            let (lines, good) = HostCheck.findings(run)
            print(lines.joined(separator: "\n"))
            return good ? 0 : 1
        case ("startvnc", 4), ("startvnc", 6), ("stopvnc", 2):
            do throws(LocalRefusal) {
                print(try LocalOrder(words).perform(run: run))
                return 0
            } catch {
                return refuse(error.words, error.status)
            }
        default: return refuse(usage)
        }
        return 0
    }

    private static func refuse(_ words: String, _ status: ExitStatus = .usage) -> Int32 {
        _ = writeAll(Array((words + "\n").utf8), to: 2)
        return status.rawValue
    }
}

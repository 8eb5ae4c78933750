import Foundation
import StressFaults

extension EndToEnd {
    /// What a start may leave behind. Displays that wait for a session come and go by themselves: they are no trace, as
    /// long as each is in the tables.
    struct Traces {
        /// What is counted: rows, processes, namespaces, mounts.
        private let figures: Figures
        /// Everything that has a name; nil where the hosts are plain: what theirs have is among the machine's own.
        private let leftovers: Leftovers?

        init() throws {
            figures = try Figures()
            leftovers = try Gateway.hostsArePlain ? nil : Leftovers(of: Gateway.quickStart)
        }

        /// Waits until there is nothing that was not there then; what ends meanwhile is nobody's trace.
        func expectNoMore(within patience: Duration = .seconds(20)) throws {
            var now = figures
            // Names are asked for when the figures, which cost less, are right: each has the time it takes.
            do {
                try Gateway.eventually("nothing is left", within: patience) {
                    now = try Figures()
                    return now.hasNoMore(than: figures)
                }
            } catch is Missing {
                throw Missing(description: "left: " + now.more(than: figures))
            }
            guard let leftovers else { return }
            var left: [String] = []
            do {
                try Gateway.eventually("no name is left", within: patience) {
                    // What a host keeps of homes' usage stays, and the sshd of a connection that was cut does for long.
                    left = try leftovers.found(within: 0).filter {
                        !$0.contains("/run/maxwell/usage") && !$0.contains(": process sshd")
                    }
                    return left.isEmpty
                }
            } catch is Missing {
                throw Missing(description: "left: " + left.joined(separator: ", "))
            }
        }
    }

    /// What of the traces is counted; where the hosts are plain, only the rows.
    private struct Figures {
        /// How many sessions, permissions, displays of sessions, and uses of hosts.
        let rows: [String]
        /// What runs on the hosts for users.
        var processes: Set<String> = []
        /// Display servers that no table knows of, or the other way round.
        var unknown = 0
        /// Network namespaces on the hosts besides the two hosts' own and one for each display server.
        var spaces = 0
        /// The hosts' mounts.
        var mounts: [Int] = []

        init() throws {
            rows = try Gateway.sql(
                """
                SELECT (SELECT COUNT(*) FROM session), (SELECT COUNT(*) FROM viewperm),
                  (SELECT COUNT(*) FROM mw_display WHERE sessnum IS NOT NULL), (SELECT SUM(uses) FROM host)
                """)
            guard try !Gateway.hostsArePlain else { return }
            let known = try Gateway.sql(
                """
                SELECT COUNT(*) FROM mw_display WHERE state IN ('ready', 'used')
                UNION ALL SELECT COUNT(*) FROM mw_display WHERE state = 'starting'
                """
            ).compactMap { Int($0) }
            let all = try Gateway.hostParts()
            let servers = all.filter { $0.part == .server }
            processes = Set(all.filter { $0.part == .application }.map { "\($0.host) \($0.id) \($0.name)" })
            let networks = Set(
                all.compactMap {
                    try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\($0.id)/ns/net")
                })
            spaces = max(0, networks.count - servers.count - 2)
            mounts = [try Gateway.hostMounts(of: "exec1"), try Gateway.hostMounts(of: "exec2")]
            // One that is being made may have its server already, or not yet.
            let excess = servers.count - (known.first ?? 0)
            unknown = excess < 0 ? excess : max(0, excess - (known.last ?? 0))
        }

        func hasNoMore(than before: Figures) -> Bool {
            rows == before.rows && processes.isSubset(of: before.processes) && unknown == 0 && spaces == 0
                && mounts == before.mounts
        }

        func more(than before: Figures) -> String {
            let more = processes.subtracting(before.processes).sorted()
            return "rows \(rows) instead of \(before.rows), processes \(more), servers \(unknown), "
                + "namespaces \(spaces), mounts \(mounts) instead of \(before.mounts)"
        }
    }
}

import Glibc

extension QuickStart {
    /// A process of an execution host.
    public struct HostProcess: Equatable, Sendable {
        /// What it is.
        public enum Part: String, CaseIterable, Sendable {
            case agent, keeper, server, application
            /// All of a host's synthetic displays.
            case synthetic
        }

        public var host: String
        public var id: pid_t
        /// In clock ticks since the machine began.
        public var began: UInt64
        /// proc(5), comm.
        public var name: String
        /// Nil for what is none of them: bubblewrap, a child of a keeper's, the host's sshd.
        public var part: Part?
        /// The display it belongs to; nil for what belongs to none.
        public var display: Int?
    }

    /// What runs on the execution hosts: everything in their cgroups.
    public func processes() -> [HostProcess] {
        ProcessTable.all.compactMap { id in
            // A process may end meanwhile.
            guard let groups = ProcessTable.text(of: id, "cgroup"),
                let host = Self.hosts.first(where: { Self.isOf($0, groups, hash) }),
                let began = ProcessTable.beginning(of: id), let name = ProcessTable.text(of: id, "comm"),
                let line = ProcessTable.text(of: id, "cmdline")
            else { return nil }
            return Self.process(
                HostProcess(host: host, id: id, began: began, name: String(name.filter { $0 != "\n" })),
                arguments: line.split(separator: "\0").map(String.init), groups: groups)
        }
    }

    /// The gateway's own daemons that run, by name, each as often as it does: all in the cgroup of its services.
    func daemons() -> [(name: String, id: pid_t)] {
        ProcessTable.all.compactMap { id in
            guard let groups = ProcessTable.text(of: id, "cgroup"), Self.isOf("services", groups, hash),
                let name = ProcessTable.text(of: id, "comm")?.filter({ $0 != "\n" }), Self.daemonNames.contains(name)
            else { return nil }
            return (name, id)
        }
    }

    private static let daemonNames: Set<String> = ["maxwelld", "maxwell-relay", "maxwell-web", "mariadbd", "slapd"]

    /// Whether the cgroups of a process (proc(5), cgroup) are those of a host of the quick start `hash`, or below.
    static func isOf(_ host: String, _ groups: String, _ hash: String) -> Bool {
        groups.split(separator: "\n").contains { line in
            line.contains("/mwq-\(hash)/\(host)/") || line.hasSuffix("/mwq-\(hash)/\(host)")
        }
    }

    /// What a process is, by its name, its words and its cgroups.
    static func process(_ known: HostProcess, arguments: [String], groups: String) -> HostProcess {
        var process = known
        process.display = groups.split(separator: "/").compactMap(display(inGroup:)).first
        if arguments.last == "serve" {
            process.part = .agent
        } else if arguments.count > 1, arguments.last == "synthetic" {
            process.part = .synthetic
        } else if let word = arguments.lastIndex(of: "keep"), arguments.count == word + 2 {
            process.part = .keeper
            process.display = Int(arguments[word + 1])
        } else if known.name == "Xvnc" || known.name == "Xtigervnc" {
            process.part = .server
        } else if process.display != nil, !["maxwell-host", "exe", "bwrap", "setpriv"].contains(known.name) {
            process.part = .application
        }
        return process
    }

    private static func display(inGroup name: Substring) -> Int? {
        guard name.hasPrefix("display-") else { return nil }
        return Int(name.dropFirst("display-".count).prefix { $0.isNumber })
    }
}

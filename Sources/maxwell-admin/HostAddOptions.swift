import SessionModel

/// The command line of `maxwell host add`, checked.
struct HostAddOptions {
    var name: HostName
    /// Where the controller finds it; nil: what ssh resolves the name to.
    var address: String?
    var port: Int?
    var zone: ZoneName?
    var provisions: [String] = []
    var maximumUses = 0
    var isolation = "container"
    var runFolder = "/run/maxwell"
    /// The `maxwell-host` to bring over; nil: the one beside this program.
    var agent: String?
    /// The file that gets the key's line; nil: root's own.
    var authorizedKeys: String?
    /// For the administrator's ssh, before everything else.
    var sshOptions: [String] = []

    static let help = """
        maxwell host add NAME [OPTIONS] [-- SSH-OPTIONS]

        Prepares an execution host over your own ssh and records it: installs the agent, lets the session service's
        key start it and nothing else, pins the host's key, and tries a display. Run it again to replace what is there.

          --address A            where the session service finds the host (what ssh resolves NAME to)
          --port P               its ssh port (what ssh resolves)
          --zone Z               the zone it belongs to
          --provisions a,b       the host types it offers
          --max-uses N           at most so many sessions at a time; 0: no limit
          --isolation none       run applications without containers: for trials only
          --run DIR              the host's run folder (/run/maxwell)
          --agent FILE           the agent to install (maxwell-host beside this program)
          --authorized-keys FILE the file on the host that gets the key's line (root's authorized_keys)
          --ssh-config FILE      a configuration for your ssh

        You have to log in as root; SSH-OPTIONS are for your own ssh.

        """

    /// Parses what follows `host add`.
    init(_ arguments: [String]) throws(Refusal) {
        var rest = arguments[...]
        guard let first = rest.popFirst() else { throw Self.usage("needs a host's name") }
        do {
            name = try HostName(first)
        } catch {
            throw Self.usage("needs \(error.expected) first")
        }
        while let option = rest.popFirst() {
            if option == "--" {
                sshOptions += rest
                return
            }
            guard let value = rest.popFirst() else {
                throw Self.usage("got an option without its value, or one it does not know")
            }
            try take(option, value)
        }
    }

    private mutating func take(_ option: String, _ value: String) throws(Refusal) {
        switch option {
        case "--address":
            guard !value.isEmpty, !value.hasPrefix("-"),
                value.utf8.allSatisfy({ Self.isPlain($0) || $0 == UInt8(ascii: ":") })
            else { throw Self.usage("takes a name or an address after --address") }
            address = value
        case "--port":
            guard let number = Int(value), (1...65535).contains(number) else {
                throw Self.usage("takes 1 to 65535 after --port")
            }
            port = number
        case "--zone":
            guard let zone = try? ZoneName(value) else { throw Self.usage("takes \(ZoneName.expected) after --zone") }
            self.zone = zone
        case "--provisions": provisions = value.split(separator: ",").map(String.init)
        case "--max-uses":
            guard let number = Int(value), (0...1_000_000).contains(number) else {
                throw Self.usage("takes a number after --max-uses")
            }
            maximumUses = number
        case "--isolation":
            guard value == "none" || value == "container" else {
                throw Self.usage("takes 'container' or 'none' after --isolation")
            }
            isolation = value
        case "--run": runFolder = try Self.path(value, option)
        case "--agent": agent = value
        case "--authorized-keys": authorizedKeys = try Self.path(value, option)
        case "--ssh-config": sshOptions += ["-F", value]
        default: throw Self.usage("got an option it does not know")
        }
    }

    /// An absolute path that no shell and no option list takes for anything else.
    private static func path(_ value: String, _ option: String) throws(Refusal) -> String {
        guard value.hasPrefix("/"), value.utf8.count <= 90, !value.contains("/../"),
            value.utf8.allSatisfy({ isPlain($0) || $0 == UInt8(ascii: "/") })
        else { throw usage("takes an absolute path of letters, digits, '.', '_' and '-' after \(option)") }
        return value
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "._-".utf8.contains(byte)
        }
    }

    private static func usage(_ what: String) -> Refusal {
        Refusal("'maxwell host add' \(what); see 'maxwell host add --help'.", .usage)
    }
}

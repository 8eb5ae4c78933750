import SessionModel

/// The account files a container shows: its user, root and the display's own uid, nobody else.
enum AccountFiles {
    private static func field(_ text: String) -> String {
        String(text.unicodeScalars.filter { $0 != ":" && $0.value >= 32 && $0.value != 127 }.map(Character.init))
    }

    /// passwd(5).
    static func passwd(_ account: Account, display: UInt32) -> String {
        """
        root:x:0:0:root:/root:/usr/sbin/nologin
        display:x:\(display):\(display):display:/nonexistent:/usr/sbin/nologin
        \(account.name):x:\(account.uid):\(account.gid):\(account.name):\(field(account.home)):\(field(account.shell))

        """
    }

    /// group(5).
    static func group(_ account: Account, display: UInt32) -> String {
        var lines = ["root:x:0:", "display:x:\(display):"]
        for group in account.groups { lines.append("\(field(group.name)):x:\(group.gid):\(account.name)") }
        if !account.groups.contains(where: { $0.gid == account.gid }) {
            lines.append("\(account.name):x:\(account.gid):")
        }
        return lines.joined(separator: "\n") + "\n"
    }
}

import SessionModel

/// The portal's two-line protocol about people's disk space: one line asks, the answer ends with the connection.
public enum QuotaLine {
    /// Bytes that a line has at most, its end included.
    public static let longest = 256

    /// What `line`, without its end, asks; nil when it is not a line of the protocol: `getquota user=NAME`, or
    /// `purge user=NAME,degree=DEGREE` with DEGREE `default` (as `olderthan30`), `olderthan1`, `olderthan7`, `olderthan30` or
    /// `all`. Blanks at its end are none of it.
    public static func request(_ line: some Collection<UInt8>) -> ControlRequest? {
        guard line.count <= longest, let text = String(validating: line, as: UTF8.self) else { return nil }
        var words = text[...]
        while let last = words.last, last == " " || last == "\r" { words.removeLast() }
        let parts = words.split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 2 else { return nil }
        var values: [Substring: Substring] = [:]
        for pair in parts[1].split(separator: ",", omittingEmptySubsequences: false) {
            guard let sign = pair.firstIndex(of: "="),
                values.updateValue(pair[pair.index(after: sign)...], forKey: pair[..<sign]) == nil
            else { return nil }
        }
        guard let user = values["user"].flatMap({ try? UserName(String($0)) }) else { return nil }
        switch (parts[0], values.count) {
        case ("getquota", 1): return .quota(user: user)
        case ("purge", 2):
            guard let days = values["degree"].flatMap(days) else { return nil }
            return .purge(user: user, days: days)
        default: return nil
        }
    }

    /// What the portal reads: the figures in bytes; `Success.`, or a sentence that is none; nothing where nothing is known.
    public static func answer(_ reply: ControlReply) -> String {
        switch reply {
        case .quota(let quota):
            "space=\(quota.used),softspace=\(quota.softLimit),hardspace=\(quota.hardLimit),"
                + "remaining=\(quota.remaining)\n"
        case .done: "Success.\n"
        default: ""
        }
    }

    /// What the portal reads when `request` was refused.
    public static func answer(_ refusal: Refusal, to request: ControlRequest) -> String {
        // Of a quota it takes no sentence: without figures it shows none.
        guard case .purge = request else { return "" }
        return PrintedAnswer(refusal).complaint
    }

    /// nil inside: whatever its age.
    private static func days(_ degree: Substring) -> Int?? {
        switch degree {
        case "default", "olderthan30": .some(30)
        case "olderthan7": .some(7)
        case "olderthan1": .some(1)
        case "all": .some(nil)
        default: nil
        }
    }
}

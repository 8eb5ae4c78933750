/// What a start of `maxwell stress` is for: it is told from people's by this mark, and by its user's name.
public enum StressMark: String, Codable, CaseIterable, Sendable {
    /// As people's: Xvnc, the application, a uid.
    case real
    /// A display that the host only plays: nothing of it runs as anyone.
    case synthetic
}

extension UserName {
    /// Whether it is `stress-0001` to `stress-9999`: nobody's, whatever the directory says, and of marked starts alone.
    public var isStress: Bool {
        let digits = text.utf8.dropFirst(Self.stressPrefix.utf8.count)
        return text.hasPrefix(Self.stressPrefix) && digits.count == 4 && text != Self.stressPrefix + "0000"
            && digits.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }

    /// The stress user of that number; throws when it is not in 1–9999.
    public static func stress(_ number: Int) throws(MalformedName) -> UserName {
        guard (1...9999).contains(number) else { throw MalformedName(expected: "a stress user's number") }
        let digits = String(number)
        return UserName(known: stressPrefix + String(repeating: "0", count: 4 - digits.utf8.count) + digits)
    }

    private static let stressPrefix = "stress-"
}

import SessionModel

/// What the painter is told, one packet each: it has no privilege, and nothing to ask for.
enum PainterWord: Equatable {
    /// There is such a display.
    case stand(DisplayNumber, Geometry, password: Secret)
    case resize(DisplayNumber, Geometry)
    /// A viewer of the display comes with this packet.
    case admit(DisplayNumber)
    /// The display and its viewers are to end; answered with its number.
    case fall(DisplayNumber)

    /// The packet.
    var bytes: [UInt8] {
        switch self {
        case .stand(let number, let geometry, let password):
            Array("stand \(number) \(geometry) \(password.exposed)".utf8)
        case .resize(let number, let geometry): Array("resize \(number) \(geometry)".utf8)
        case .admit(let number): Array("admit \(number)".utf8)
        case .fall(let number): Array("fall \(number)".utf8)
        }
    }

    /// What a packet says; nil when it says nothing.
    init?(_ bytes: some Collection<UInt8>) {
        let words = String(decoding: bytes, as: UTF8.self)
            .split(separator: " ", maxSplits: 3, omittingEmptySubsequences: false)
        guard words.count > 1, let number = Int(words[1]).flatMap({ try? DisplayNumber($0) }) else { return nil }
        let geometry = words.count > 2 ? try? Geometry(String(words[2])) : nil
        switch (words[0], words.count, geometry) {
        case ("stand", 4, let geometry?): self = .stand(number, geometry, password: Secret(String(words[3])))
        case ("resize", 3, let geometry?): self = .resize(number, geometry)
        case ("admit", 2, _): self = .admit(number)
        case ("fall", 2, _): self = .fall(number)
        default: return nil
        }
    }
}

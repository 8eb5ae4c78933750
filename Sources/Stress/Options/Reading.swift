import SessionModel

/// Values of the command line, each with the sentence that refuses it.
enum Reading {
    /// Digits and nothing else.
    static func number(_ text: some StringProtocol) -> Int? {
        text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int(text) : nil
    }

    /// Digits, perhaps with a point among them.
    static func decimal(_ text: some StringProtocol) -> Double? {
        let isPlain = text.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == UInt8(ascii: ".") }
        return isPlain ? Double(text) : nil
    }

    /// A time in seconds: `500ms`, `1.5s`, `10m`, `2h`, `1d`, `80us`.
    static func span(_ text: some StringProtocol) -> Double? {
        let units: [(String, Double)] = [
            ("us", 1e-6), ("ms", 1e-3), ("s", 1), ("m", 60), ("min", 60), ("h", 3600), ("d", 86400),
        ]
        let unit = text.drop { $0.isNumber || $0 == "." }
        guard let size = units.first(where: { $0.0 == unit })?.1 else { return nil }
        return decimal(text.dropLast(unit.count)).map { $0 * size }
    }

    /// So many each second: `50/s`, `600/min`, `3000/h`.
    static func rate(_ text: some StringProtocol) -> Double? {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        let spans = ["s": 1.0, "m": 60, "min": 60, "h": 3600]
        guard parts.count == 2, let number = decimal(parts[0]), let span = spans[String(parts[1])] else { return nil }
        return number / span
    }

    static func number(_ text: String, _ option: String, in range: ClosedRange<Int>) throws(Refusal) -> Int {
        guard let number = number(text), range.contains(number) else {
            throw Refusal("\(option) takes a number from \(range.lowerBound) to \(range.upperBound).", .usage)
        }
        return number
    }

    static func decimal(_ text: String, _ option: String, in range: ClosedRange<Double>) throws(Refusal) -> Double {
        guard let number = decimal(text), range.contains(number) else {
            throw Refusal(
                "\(option) takes a number from \(decimalText(range.lowerBound)) to \(decimalText(range.upperBound)), such as 1.5.",
                .usage)
        }
        return number
    }

    static func span(_ text: String, _ option: String, in range: ClosedRange<Double>) throws(Refusal) -> Double {
        guard let span = span(text), range.contains(span) else {
            throw Refusal(
                "\(option) takes a time from \(spanText(range.lowerBound)) to \(spanText(range.upperBound)), such as 90s, 10m or 2h.",
                .usage)
        }
        return span
    }

    static func rate(_ text: String, _ option: String) throws(Refusal) -> Double {
        guard let rate = rate(text), (0.001...10_000).contains(rate) else {
            throw Refusal("\(option) takes a rate up to 10000/s, such as 50/s, 600/min or 3000/h.", .usage)
        }
        return rate
    }

    static func seed(_ text: String) throws(Refusal) -> UInt64 {
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let seed = UInt64(text) else {
            throw Refusal("--seed takes a number from 0 to \(UInt64.max).", .usage)
        }
        return seed
    }

    static func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ text: String, of type: Choice.Type, _ option: String
    ) throws(Refusal) -> Choice {
        guard let choice = Choice(rawValue: text) else {
            let all = Choice.allCases.map(\.rawValue)
            throw Refusal(
                "\(option) takes \(all.dropLast().joined(separator: ", ")) or \(all.last ?? "").", .usage)
        }
        return choice
    }
}

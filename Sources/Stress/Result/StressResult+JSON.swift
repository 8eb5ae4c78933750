import FoundationEssentials
import SessionModel

extension StressResult {
    /// The result as one JSON object on a line, its keys in order.
    public func json() throws(Refusal) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
        } catch {
            throw Refusal("The result cannot be told as JSON.", .software, cause: "\(error)")
        }
    }

    /// Reads what ``json()`` wrote; `name` is the file's, for the sentence that refuses it.
    public init(json: String, name: String) throws(Refusal) {
        struct Format: Decodable { var format: Int }
        let bytes = Data(json.utf8)
        let decoder = JSONDecoder()
        guard let format = try? decoder.decode(Format.self, from: bytes).format else {
            throw Refusal("\(oneLine(name)) is no result of 'maxwell stress --json'.", .badData)
        }
        guard format == Self.currentFormat else {
            throw Refusal("\(oneLine(name)) was written by another release; please use that one to read it.", .badData)
        }
        do {
            _ = try decoder.decode(PlausibleNumbers.self, from: bytes)
            self = try decoder.decode(StressResult.self, from: bytes)
            guard (0...Seconds.end).contains(seconds) else { throw PlausibleNumbers.Implausible(number: seconds) }
        } catch {
            throw Refusal("\(oneLine(name)) is damaged.", .badData, cause: "\(error)")
        }
    }
}

/// JSON whose numbers are such as a run can have, wherever they stand: 0, or from a billionth to 2⁵³ of anything, save the
/// seed, which nobody reckons with. What
/// reckons with them need not look again.
private struct PlausibleNumbers: Decodable {
    struct Implausible: Error { let number: Double }

    private struct AnyKey: CodingKey {
        let stringValue: String
        let intValue: Int? = nil
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    init(from decoder: any Decoder) throws {
        if let object = try? decoder.container(keyedBy: AnyKey.self) {
            for key in object.allKeys where key.stringValue != "seed" {
                _ = try object.decode(PlausibleNumbers.self, forKey: key)
            }
        } else if var list = try? decoder.unkeyedContainer() {
            while !list.isAtEnd { _ = try list.decode(PlausibleNumbers.self) }
        } else if let number = try? decoder.singleValueContainer().decode(Double.self) {
            guard number == 0 || (1e-9...9_007_199_254_740_992).contains(number.magnitude) else {
                throw Implausible(number: number)
            }
        }
    }
}

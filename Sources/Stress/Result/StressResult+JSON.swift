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
            self = try decoder.decode(StressResult.self, from: bytes)
        } catch {
            throw Refusal("\(oneLine(name)) is damaged.", .badData, cause: "\(error)")
        }
    }
}

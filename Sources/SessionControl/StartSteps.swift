import FoundationEssentials
import SessionModel

/// A start's steps as they are kept: a JSON array.
extension StartStep {
    static func text(_ steps: [StartStep]) -> String {
        (try? JSONEncoder().encode(steps)).map { String(decoding: $0, as: UTF8.self) } ?? "[]"
    }

    /// The steps that `text` holds; none where it is not such an array.
    static func steps(_ text: String) -> [StartStep] {
        (try? JSONDecoder().decode([StartStep].self, from: Array(text.utf8).withUnsafeBytes { Data($0) })) ?? []
    }
}

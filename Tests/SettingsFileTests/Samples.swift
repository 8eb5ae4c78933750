import Yams

@testable import SettingsFile

/// The folder of the samples in this checkout.
let sampleFolder = #filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" } + "/etc"

/// The paths of the keys in `text` that have no keys below them, sorted.
func keys(of text: String) throws -> [String] {
    func below(_ node: Node, _ path: String) -> [String] {
        guard case .mapping(let mapping) = node else { return [path] }
        return mapping.flatMap {
            below($0.value, path.isEmpty ? $0.key.string ?? "" : "\(path).\($0.key.string ?? "")")
        }
    }
    return try below(Yams.compose(yaml: text) ?? Node([:]), "").sorted()
}

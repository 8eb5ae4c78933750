import Yams

/// How a key that a mapping gives twice is told apart, so that the rest of the file is still read: Yams stops at
/// the first such key, so its first occurrence gets another first letter and the text is composed again.
enum MaskedDuplicate {
    /// A private-use character, which no key of ours has.
    static let mask: Unicode.Scalar = "\u{E000}"

    /// `text` with the key at `mark` masked; nil when there is none.
    static func masking(_ text: String, at mark: Mark) -> String? {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        guard lines.indices.contains(mark.line - 1) else { return nil }
        var scalars = Array(lines[mark.line - 1].unicodeScalars)
        var column = mark.column - 1
        if scalars.indices.contains(column), scalars[column] == "\"" || scalars[column] == "'" { column += 1 }
        guard scalars.indices.contains(column), scalars[column] != mask else { return nil }
        scalars.insert(mask, at: column)
        var line = String.UnicodeScalarView()
        line.append(contentsOf: scalars)
        lines[mark.line - 1] = String(line)
        return lines.joined(separator: "\n")
    }
}

/// The one document of `text`; nil when it is empty or is not YAML, which is noted then.
func compose(_ text: String, findings: Findings) -> Node? {
    var text = text
    for _ in 0..<100 {
        do {
            return try Yams.compose(yaml: text)
        } catch YamlError.duplicatedKeysInMapping(let keys, let context) {
            guard let masked = MaskedDuplicate.masking(text, at: context.mark) else {
                findings.note("\(keys.joined(separator: ", ")): given twice", at: context.mark.line)
                return nil
            }
            text = masked
        } catch YamlError.scanner(_, let problem, let mark, _), YamlError.parser(_, let problem, let mark, _),
            YamlError.composer(_, let problem, let mark, _)
        {
            findings.note("not YAML: \(problem)", at: mark.line)
            return nil
        } catch {
            findings.note("not YAML in UTF-8", at: nil)
            return nil
        }
    }
    findings.note("too many keys are given twice", at: nil)
    return nil
}

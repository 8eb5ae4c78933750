import SessionModel

/// What follows a word on the command line, sorted into `key=value`, `--options` and the rest. Nothing may come
/// twice, so that text a caller smuggled behind an argument is a refusal and not a second meaning.
struct WordArguments {
    /// What a word takes.
    struct Shape {
        /// Of ``PortalWords/keys``: the ones this word takes.
        var keys: Set<String> = []
        /// How many plain arguments.
        var plain: ClosedRange<Int> = 0...0
        /// Options without a value: `--json`.
        var flags: Set<String> = []
        /// Options with one: `--for 10m` or `--for=10m`.
        var options: Set<String> = []
    }

    private(set) var keys: [String: String] = [:]
    private(set) var plain: [String] = []
    private(set) var flags: Set<String> = []
    private(set) var options: [String: String] = [:]

    /// Sorts `arguments`, the word itself left out.
    init(_ arguments: [String], of word: String, shape: Shape) throws(Refusal) {
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            if argument.hasPrefix("--") {
                try takeOption(argument, &rest, word, shape)
            } else if let (key, value) = Self.pair(argument) {
                guard keys.updateValue(value, forKey: key) == nil else {
                    throw .usage("'\(key)=' is given twice; please give it once.")
                }
                guard shape.keys.contains(key) || !PortalWords.keys.contains(key) else {
                    throw .usage("'maxwell \(word)' does not take '\(key)='; see 'maxwell \(word) --help'.")
                }
            } else {
                plain.append(argument)
            }
        }
        guard plain.count <= shape.plain.upperBound else {
            throw .usage("'maxwell \(word)' got more arguments than it takes; see 'maxwell \(word) --help'.")
        }
        guard plain.count >= shape.plain.lowerBound else {
            throw .usage("'maxwell \(word)' needs another argument; see 'maxwell \(word) --help'.")
        }
    }

    private mutating func takeOption(
        _ argument: String, _ rest: inout ArraySlice<String>, _ word: String, _ shape: Shape
    ) throws(Refusal) {
        let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let name = String(parts[0])
        if shape.flags.contains(name), parts.count == 1 {
            guard flags.insert(name).inserted else { throw .usage("'\(name)' is given twice; please give it once.") }
        } else if shape.options.contains(name) {
            guard let value = parts.count == 2 ? String(parts[1]) : rest.popFirst() else {
                throw .usage("'\(name)' needs a value; see 'maxwell \(word) --help'.")
            }
            guard options.updateValue(value, forKey: name) == nil else {
                throw .usage("'\(name)' is given twice; please give it once.")
            }
        } else {
            throw .usage("'maxwell \(word)' got an option it does not know; see 'maxwell \(word) --help'.")
        }
    }

    /// `key=value` where the key is a name; anything else is a plain argument.
    private static func pair(_ argument: String) -> (key: String, value: String)? {
        let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, (1...32).contains(parts[0].utf8.count), parts[0].utf8.allSatisfy(isWordByte) else {
            return nil
        }
        return (String(parts[0]), String(parts[1]))
    }

    /// Whether `byte` may stand in a key or a word: such text is safe to repeat on a page.
    static func isWordByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}

extension Refusal {
    /// A command line that means nothing: sysexits 64.
    static func usage(_ sentence: String) -> Refusal { Refusal(sentence, .usage) }

    /// Parses a name or number, or says that `what` is not one.
    static func parsed<Value>(
        _ what: String, _ parse: () throws(MalformedName) -> Value
    ) throws(Refusal) -> Value {
        do {
            return try parse()
        } catch {
            throw .usage("The value of '\(what)' is not \(error.expected).")
        }
    }
}

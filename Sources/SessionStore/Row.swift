import SessionModel

/// One row of an answer: cells in the order of the statement's columns.
struct Row {
    let cells: [String?]

    /// The cell's text; nil for NULL.
    func optional(_ column: Int) -> String? { cells[column] }

    /// The cell's text; empty for NULL.
    func text(_ column: Int) -> String { cells[column] ?? "" }

    /// The cell as a number; 0 for NULL and for what is none.
    func integer(_ column: Int) -> Int { cells[column].flatMap { Int($0) } ?? 0 }

    /// The cell as a number; 0 for NULL and for what is none.
    func unsigned(_ column: Int) -> UInt64 { cells[column].flatMap { UInt64($0) } ?? 0 }

    /// The cell as a number; 0 for NULL and for what is none.
    func real(_ column: Int) -> Double { cells[column].flatMap { Double($0) } ?? 0 }

    /// The cell as a name; throws ``StoreError/internal(cause:)`` when it is malformed.
    func name<Name: ParsedName>(_ column: Int, as type: Name.Type = Name.self) throws(StoreError) -> Name {
        do {
            return try Name(text(column))
        } catch {
            throw .internal(cause: "a row holds \(text(column).debugDescription) where \(error.expected) should be")
        }
    }

    /// The cell as a size; the usual one when the column holds none.
    func geometry(_ column: Int) -> Geometry { (try? Geometry(text(column))) ?? .usual }

    /// The cell as a display's number; throws ``StoreError/internal(cause:)`` when it is out of range.
    func display(_ column: Int) throws(StoreError) -> DisplayNumber {
        do {
            return try DisplayNumber(integer(column))
        } catch {
            throw .internal(cause: "a row holds \(text(column).debugDescription) where \(error.expected) should be")
        }
    }
}

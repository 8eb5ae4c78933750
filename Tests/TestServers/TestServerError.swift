/// Why a test's server could not be used, with the end of its log where it has one.
public struct TestServerError: Error, CustomStringConvertible {
    /// What failed.
    public let description: String

    /// An error in words.
    public init(_ description: String) { self.description = description }
}

/// Whose certificate a viewer accepts.
public enum Trust: Sendable, Equatable {
    /// One signed by the authority in this PEM file, for the host's name or address.
    case authority(file: String)
    /// Any: the viewer only reports it, as the portal's Java viewer does.
    case anyone
}

/// What the gateway's certificate says of itself, in OpenSSL's one-line form ("/CN=localhost").
public struct Certificate: Sendable, Equatable {
    public let subject: String
    public let issuer: String

    /// Whether it was signed by nobody but itself.
    public var isSelfSigned: Bool { subject == issuer }
}

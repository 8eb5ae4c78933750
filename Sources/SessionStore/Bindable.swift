import SessionModel

/// A value as it goes to the server.
enum BoundValue {
    case null
    case text(String)
    case integer(Int64)
    case unsigned(UInt64)
    case real(Double)
}

/// What may stand for a `?` of a statement.
protocol Bindable {
    var bound: BoundValue { get }
}

extension String: Bindable {
    var bound: BoundValue { .text(self) }
}

extension Int: Bindable {
    var bound: BoundValue { .integer(Int64(self)) }
}

extension UInt32: Bindable {
    var bound: BoundValue { .unsigned(UInt64(self)) }
}

extension UInt64: Bindable {
    var bound: BoundValue { .unsigned(self) }
}

extension Double: Bindable {
    var bound: BoundValue { .real(self) }
}

extension Bool: Bindable {
    var bound: BoundValue { .integer(self ? 1 : 0) }
}

extension Optional: Bindable where Wrapped: Bindable {
    var bound: BoundValue { self?.bound ?? .null }
}

extension UserName: Bindable {
    var bound: BoundValue { .text(text) }
}

extension HostName: Bindable {
    var bound: BoundValue { .text(text) }
}

extension ZoneName: Bindable {
    var bound: BoundValue { .text(text) }
}

extension ApplicationName: Bindable {
    var bound: BoundValue { .text(text) }
}

extension SessionNumber: Bindable {
    var bound: BoundValue { .unsigned(value) }
}

extension DisplayNumber: Bindable {
    var bound: BoundValue { .integer(Int64(value)) }
}

extension Geometry: Bindable {
    var bound: BoundValue { .text(description) }
}

extension Secret: Bindable {
    var bound: BoundValue { .text(exposed) }
}

import Testing

/// A running gateway, used as a portal and its people use it. One after the other: they share hosts and displays.
@Suite("a gateway, end to end", .serialized)
struct EndToEnd {}

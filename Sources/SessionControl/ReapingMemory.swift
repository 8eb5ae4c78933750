import SessionModel

/// What this controller remembers between two rounds of reaping.
struct ReapingMemory {
    /// When the last round of this controller's was; nil: it had none, or another controller had the duty since.
    var last: ContinuousClock.Instant?
    /// The sessions without a row of the portal's in the last round.
    var rowless: Set<SessionNumber> = []
}

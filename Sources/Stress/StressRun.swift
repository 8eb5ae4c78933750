/// Something that carries a plan out and tells what it sees.
public protocol StressRun: AnyObject {
    /// Carries `plan` out to its end, or until ``stop()``; `tell` is called from one thread at a time. Everything that was
    /// started has been stopped when it returns.
    func run(_ plan: StressPlan, tell: @escaping (Observation) -> Void) throws
    /// Ends the run early and in order. From any thread, or a signal's.
    func stop()
}

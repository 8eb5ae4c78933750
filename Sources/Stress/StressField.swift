/// A gateway that a run takes place on, from the first look to the last.
public protocol StressField: StressRun {
    /// What the gateway is called, for the report's head.
    var gateway: String { get }
    /// Throws one sentence when `plan` cannot work here. Nothing was started yet.
    func look(before plan: StressPlan) throws
    /// Compares the gateway's ledger with what the run's viewers saw; nil: there is none to be seen.
    func ledger() throws -> LedgerFigures?
    /// Ends and removes all that belongs to stress users; asked once the ledger was looked at.
    func clean() throws
    /// What the run left behind, a line each; nil: it cannot be seen from here.
    func leftovers() throws -> [String]?
}

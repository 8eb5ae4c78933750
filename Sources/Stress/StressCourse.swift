import SessionModel

/// A run from its plan to its result.
public struct StressCourse {
    private let options: StressOptions
    private let requirements: [Requirement]
    private let words: [String]
    private let began: String

    /// What came of a course.
    public struct Outcome {
        public var result: StressResult
        /// Why it broke off, where it did: the result tells what was until then.
        public var error: (any Error)?
    }

    /// A run of `options`, which the command line said in `words`; `began` is for the report's head.
    public init(_ options: StressOptions, requirements: [Requirement], words: [String], began: String) {
        self.options = options
        self.requirements = requirements
        self.words = words
        self.began = began
    }

    /// Carries the run out on `field` and looks at what it left.
    ///
    /// `say` gets what is to be shown meanwhile; `isStopped` tells whether the run was ended by hand. Throws when it could
    /// not begin.
    public func carryOut(
        on field: any StressField, live style: LiveReport.Style, isStopped: () -> Bool, say: @escaping (String) -> Void
    ) throws -> Outcome {
        let plan = StressPlan(options)
        try field.look(before: plan)
        let notebook = Notebook(plan, style)
        var error: (any Error)?
        attempt(&error) {
            try field.run(plan) { observation in
                if let text = notebook.note(observation) { say(text) }
            }
        }
        say(notebook.live.end())
        // What cannot be looked at afterwards makes no run shorter than it was.
        let wasStoppedEarly = isStopped() || error != nil
        // What went wrong before is the cause of what goes wrong now.
        let ledger = attempt(&error) { try field.ledger() } ?? nil
        attempt(&error) { try field.clean() }
        let leftovers = attempt(&error) { try field.leftovers() } ?? nil
        let head = StressResult.Head(release: maxwellVersion, gateway: field.gateway, began: began, words: words)
        return Outcome(
            result: notebook.tally.result(
                head, options, wasStoppedEarly: wasStoppedEarly, ledger: ledger, leftovers: leftovers,
                requirements: requirements),
            error: error)
    }

    /// Keeps the first error.
    @discardableResult
    private func attempt<Answer>(_ error: inout (any Error)?, _ body: () throws -> Answer) -> Answer? {
        do {
            return try body()
        } catch let caught {
            if error == nil { error = caught }
            return nil
        }
    }

    /// What a run has come to, where the closure that is told can reach it.
    private final class Notebook {
        private(set) var tally: Tally
        var live: LiveReport

        init(_ plan: StressPlan, _ style: LiveReport.Style) {
            tally = Tally(plan)
            live = LiveReport(style)
        }

        func note(_ observation: Observation) -> String? {
            tally.note(observation)
            return live.text(tally)
        }
    }
}

import Glibc
import HostProtocol
import SessionModel

/// Tells what accounts use of their homes' file system, from figures that are kept for a while. At most one child counts for
/// one account, and a few at the same time.
final class HomeCounting {
    /// A figure, and when it was made: seconds of the monotonic clock of one boot.
    private struct Kept: Codable {
        var usage: HomeUsage
        /// Whose it is: a uid may be lent to one after the other.
        var user: UserName
        var home: String
        var at: Double
        var boot: String
    }

    /// Seconds that a count may take, and how many run at the same time.
    private static let longest: UInt32 = 600
    private static let most = 8
    /// Seconds that who asks waits for a new figure: when there is an old one, and when there is none.
    private static let patience = (known: 2.0, unknown: 5.0)
    /// Seconds that the figure of a file system that counts itself is kept.
    private static let shortest = 5.0

    private let run: RunFolder
    private let loop: Loop
    /// By uid, who is counted for, and who waits for that.
    private var waiting: [UInt32: (user: UserName, answers: [(HostReply) -> Void])] = [:]

    init(run: RunFolder, loop: Loop) {
        self.run = run
        self.loop = loop
    }

    /// Answers at once when the figure is not older than `maxAge` seconds; else when there is a new one, and in a few seconds
    /// with the old one, or that there is none yet.
    func answer(_ account: Account, maxAge: Double, _ done: @escaping (HostReply) -> Void) {
        let kept = kept(of: account)
        if let kept {
            let longest = kept.usage.source == .quota ? min(maxAge, Self.shortest) : maxAge
            if (0...longest).contains(now() - kept.at) { return done(.homeUsage(kept.usage)) }
        }
        let fallback =
            kept.map { HostReply.homeUsage($0.usage) }
            ?? .failed(HostFailure(.tooOften, "the files of \(account.name) are being counted"))
        let isUnderWay = waiting[account.uid] != nil
        // What is counted for somebody who had the uid before is none of this one's.
        guard isUnderWay ? waiting[account.uid]?.user == account.name : waiting.count < Self.most else {
            return done(fallback)
        }
        var isAnswered = false
        func answer(_ reply: HostReply) {
            guard !isAnswered else { return }
            isAnswered = true
            done(reply)
        }
        let timer = loop.after(kept == nil ? Self.patience.unknown : Self.patience.known) { answer(fallback) }
        waiting[account.uid, default: (account.name, [])].answers.append { [loop] reply in
            loop.cancel(timer)
            answer(reply)
        }
        if !isUnderWay { count(account) }
    }

    /// Keeps nothing of `account` any more, whose uid may be lent to somebody else.
    func forget(_ account: Account) { unlink(file(of: account)) }

    private func count(_ account: Account) {
        let reading = HomeReading(account: account)
        Errand.begin(
            loop, within: Self.longest, late: HostFailure(.homeUnavailable, "\(account.home) does not answer")
        ) { () throws(HostFailure) in
            .homeUsage(try reading.usage())
        } done: { [self] reply in
            if case .homeUsage(let usage) = reply { keep(usage, of: account) }
            for answer in waiting.removeValue(forKey: account.uid)?.answers ?? [] { answer(reply) }
        }
    }

    private func file(of account: Account) -> String { "\(run.path)/usage/\(account.uid)" }

    private func kept(of account: Account) -> Kept? {
        guard let kept: Kept = contents(of: file(of: account)).flatMap({ decoded($0) }), kept.user == account.name,
            kept.home == account.home, kept.boot == RunFolder.kernelBoot
        else { return nil }
        return kept
    }

    private func keep(_ usage: HomeUsage, of account: Account) {
        do throws(HostFailure) {
            try makeFolder(run.path + "/usage", 0o700)
            try writeFile(
                file(of: account),
                encoded(
                    Kept(
                        usage: usage, user: account.name, home: account.home, at: now(), boot: RunFolder.kernelBoot)))
        } catch {
            log("usage of \(account.name) not kept: \(error.cause)")
        }
    }
}

import Glibc
import HostProtocol
import SessionModel

/// Ends what runs under a uid that is lent to one person after another, and removes its home. For a child, as root: all but
/// the last step is done as that uid.
struct AccountCleaning {
    /// The folder of the homes of such uids, each named after its number.
    static let folder = ".shadow"
    /// Seconds that processes get to die, and that all of it may take.
    private static let dying = 5.0
    static let longest: UInt32 = 60

    private let account: Account

    /// Refuses what is not the home of a lent uid: nobody else's is ever removed.
    init(_ account: Account) throws(HostFailure) {
        guard account.uid >= 1000, account.uid != 65534, account.gid == account.uid,
            account.home.hasPrefix("/"), account.home.hasSuffix("/\(Self.folder)/\(account.uid)"),
            !account.home.split(separator: "/").contains("..")
        else { throw HostFailure(.refused, "not an account that is lent") }
        self.account = account
    }

    /// Nothing of the uid runs afterwards, and its home is gone.
    func perform() throws(HostFailure) {
        let (child, report) = try reportingChild {
            alarm(Self.longest)
            var words = ""
            do throws(HostFailure) { try clean() } catch { words = error.cause }
            _ = writeAll(Array((words.isEmpty ? "done" : words).utf8), to: 3)
        }
        defer { close(report) }
        _ = fcntl(report, F_SETFL, 0)
        let words = contents(from: report).map { String(decoding: $0, as: UTF8.self) } ?? ""
        waitpid(child, nil, 0)
        guard words == "done" else {
            throw HostFailure(.internalError, words.isEmpty ? "the cleaning was killed" : words)
        }
        guard let place = try HomePlace.found(account.home) else { return }
        defer { place.folder.close() }
        guard unlinkat(place.folder.descriptor, place.name, AT_REMOVEDIR) == 0 || errno == ENOENT else {
            throw failure("rmdir \(account.home)")
        }
    }

    /// As the uid.
    private func clean() throws(HostFailure) {
        if let step = becomeUser(account, filtered: false) { throw failure(step) }
        guard getuid() == account.uid, geteuid() == account.uid else { throw failure("setuid") }
        let deadline = now() + Self.dying
        repeat {
            // Everything that may be signalled, but this process itself: those of the same uid. The answer is 0 whether there
            // was one or not (kernel/signal.c).
            kill(-1, SIGKILL)
            guard now() < deadline else {
                throw HostFailure(.internalError, "processes of uid \(account.uid) do not end")
            }
            usleep(2000)
        } while isRunning
        // Whoever had it may have closed it to themselves.
        _ = chmod(account.home, 0o700)
        let home = open(account.home, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard home >= 0 else {
            if errno == ENOENT { return }
            throw failure("open \(account.home)")
        }
        defer { close(home) }
        var removal = try TreeRemoval(of: home, opensFolders: true)
        try removal.run()
    }

    /// Whether anything runs under the uid but this process. What is dead and waits for its parent does not.
    private var isRunning: Bool {
        names(in: "/proc").compactMap { Int32($0) }.contains { $0 != getpid() && runningUser(of: $0) == account.uid }
    }
}

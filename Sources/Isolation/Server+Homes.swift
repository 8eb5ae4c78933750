import Glibc
import HostProtocol
import SessionModel

/// What is asked about homes: each in a child, since their file system may hang.
extension Server {
    /// Seconds that making a home, setting a quota and purging may take.
    private static let patience: (make: UInt32, quota: UInt32, purge: UInt32) = (10, 2, 60)

    func makeHome(_ account: Account, _ id: UInt64) {
        errand(id, within: Self.patience.make, at: account.home) { () throws(HostFailure) in
            try HomeMaking(account).make()
            return .done
        }
    }

    func setQuota(_ uid: UInt32, soft: UInt64, hard: UInt64, home: String, _ id: UInt64) {
        errand(id, within: Self.patience.quota, at: home) { () throws(HostFailure) in
            guard uid >= 1000, uid != 65534, uid != .max, home.hasPrefix("/"),
                !home.split(separator: "/").contains("..")
            else { throw HostFailure(.refused, "not a uid that may have a quota here") }
            try FileSystemQuota.set(uid, soft: soft, hard: hard, on: home)
            return .done
        }
    }

    func cleanAccount(_ account: Account, _ id: UInt64) {
        counting.forget(account)
        errand(id, within: AccountCleaning.longest + 5, at: account.home) { () throws(HostFailure) in
            try AccountCleaning(account).perform()
            return .done
        }
    }

    func purge(_ account: Account, days: Int, live: [SessionNumber], _ id: UInt64) {
        errand(id, within: Self.patience.purge, at: account.home) { () throws(HostFailure) in
            try ResultsPurge(account: account, days: max(0, days), live: Set(live)).perform()
            return .done
        }
    }

    private func errand(
        _ id: UInt64, within seconds: UInt32, at home: String, _ body: () throws(HostFailure) -> HostReply
    ) {
        let late = HostFailure(.homeUnavailable, "\(home) does not answer")
        Errand.begin(loop, within: seconds, late: late, body) { [self] in reply(id, $0) }
    }
}

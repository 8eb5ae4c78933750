import SessionModel
import Testing

@testable import ControlProtocol

@Suite("quotas")
struct QuotaTests {
    private static let alice = UserName(known: "alice")
    private static let answer = QuotaAnswer(
        user: alice, used: 1 << 30, softLimit: 0, hardLimit: 3 << 30, remaining: 2 << 30, isEnforced: true)

    @Test("the word asks for oneself or for somebody, as a table or as an object")
    func word() throws {
        #expect(try Command(["quota"]) == .ask(.quota(user: nil), asJSON: false))
        #expect(try Command(["quota", "alice", "--json"]) == .ask(.quota(user: Self.alice), asJSON: true))
        for arguments in [["quota", "a b"], ["quota", "alice", "bob"], ["quota", "user=alice"], ["quota", "--all"]] {
            #expect(throws: Refusal.self) { try Command(arguments) }
        }
        #expect(
            PrintedAnswer(.quota(Self.answer), to: .quota(user: nil)).output == """
                USER      USED  SOFT LIMIT  HARD LIMIT     LEFT  COUNTED
                alice  1.0 GiB           -     3.0 GiB  2.0 GiB  by the file system

                """)
        #expect(
            PrintedAnswer(.quota(Self.answer), to: .quota(user: nil), asJSON: true).output
                == #"{"user":"alice","used":1073741824,"soft_limit":0,"hard_limit":3221225472,"#
                + #""remaining":2147483648,"enforced":true}"# + "\n")
    }

    @Test("the portal's lines are understood, with blanks at their end")
    func lines() {
        func request(_ line: String) -> ControlRequest? { QuotaLine.request(Array(line.utf8)) }
        #expect(request("getquota user=alice") == .quota(user: Self.alice))
        #expect(request("getquota user=alice \r") == .quota(user: Self.alice))
        #expect(request("purge user=alice,degree=default ") == .purge(user: Self.alice, days: 30))
        #expect(request("purge user=alice,degree=olderthan1 ") == .purge(user: Self.alice, days: 1))
        #expect(request("purge user=alice,degree=olderthan7") == .purge(user: Self.alice, days: 7))
        #expect(request("purge user=alice,degree=olderthan30") == .purge(user: Self.alice, days: 30))
        #expect(request("purge degree=all,user=alice") == .purge(user: Self.alice, days: nil))
    }

    @Test(
        "no other line is one",
        arguments: [
            "", " ", "getquota", "getquota ", "getquota user=", "getquota user=../etc", "getquota user=a,user=b",
            "getquota  user=alice", "getquota user=alice,degree=all", "purge user=alice", "purge user=alice,degree=",
            "purge user=alice,degree=olderthan", "purge user=alice,degree=olderthan2", "purge degree=all",
            "purge user=alice,degree=all,force=1", "GETQUOTA user=alice", "getquota user=alice bob",
            " getquota user=alice", "getquota user=alice\nbob", "delete user=alice", "getquota alice",
        ])
    func otherLines(line: String) {
        #expect(QuotaLine.request(Array(line.utf8)) == nil)
    }

    @Test("no prefix of a line asks for more than the line, nor does one that is too long or no text")
    func prefixes() {
        for line in ["getquota user=alice", "purge user=alice,degree=olderthan30 "] {
            let bytes = Array(line.utf8)
            for length in 0..<bytes.count {
                switch QuotaLine.request(bytes[..<length]) {
                case nil: break
                case .quota(let user): #expect(user.map { "alice".hasPrefix($0.text) } == true)
                // Only the blank is missing.
                case .purge(let user, let days): #expect(user == Self.alice && days == 30)
                case let other?: Issue.record("\(other)")
                }
            }
            for index in bytes.indices {
                var broken = bytes
                broken[index] = 0xFF
                #expect(QuotaLine.request(broken) == nil)
                broken[index] = 0
                #expect(QuotaLine.request(broken) == nil)
            }
        }
        #expect(QuotaLine.request(Array("getquota user=alice".utf8) + Array(repeating: 0x20, count: 300)) == nil)
    }

    @Test("the answers are what the portal looks for")
    func answers() {
        #expect(
            QuotaLine.answer(.quota(Self.answer))
                == "space=1073741824,softspace=0,hardspace=3221225472,remaining=2147483648\n")
        #expect(QuotaLine.answer(.done("")) == "Success.\n")
        #expect(QuotaLine.answer(.lines([], good: true)).isEmpty)
        let refusal = Refusal("Nothing is removed\nhere.", .noPermission)
        #expect(QuotaLine.answer(refusal, to: .purge(user: Self.alice, days: 1)) == "Nothing is removed here.\n")
        #expect(QuotaLine.answer(refusal, to: .quota(user: Self.alice)).isEmpty)
    }
}

import Fuzzer
import RelayProtocol

/// An HTTP head, what it asks for, and the redirect made of it: a head is found as soon as it is whole and not before,
/// whatever follows it, and no byte of it ends a line of our answer.
@main
struct HeadFuzzer {
    static func main() {
        Fuzzer.run { start, count in
            let input = Fuzzer.bytes(start, count)
            guard let head = try? HTTPHead.parse(input) else { return 0 }
            Fuzzer.check(head.length <= min(input.count, HTTPHead.limit), "longer than what came")
            let exact = try? HTTPHead.parse(Array(input.prefix(head.length)))
            Fuzzer.check(exact == head, "what follows a head changes it")
            let short = try? HTTPHead.parse(Array(input.prefix(head.length - 1)))
            Fuzzer.check(short == nil, "a head before its end")
            _ = ViewerRequest(head, origins: ["https://gateway.example"])
            for field in ["connection", "sec-websocket-protocol"] {
                Fuzzer.check(head.list(field).allSatisfy { head.list(field, has: $0.lowercased()) }, "lists")
            }
            let answer = HTTPAnswer.redirect(head)
            Fuzzer.check(answer.count { $0 == 10 } <= 6 && answer.count { $0 == 13 } <= 5, "a line of the viewer's")
            return 0
        }
    }
}

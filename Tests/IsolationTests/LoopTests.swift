import Glibc
import Testing

@testable import Isolation

@Suite("The loop of a host's processes")
struct LoopTests {
    /// Both ends of a pipe, which `body` leaves open.
    private func withPipe(_ body: (_ from: Int32, _ to: Int32) -> Void) {
        var ends: [Int32] = [-1, -1]
        #expect(pipe(&ends) == 0)
        body(ends[0], ends[1])
        for end in ends { close(end) }
    }

    @Test("an attempt is made until it is done, or until the last, which knows that it is")
    func insistence() {
        let loop = Loop()
        var done: [Bool] = []
        var never: [Bool] = []
        loop.insist { last in
            done.append(last)
            return done.count == 3 ? .done : .again
        }
        loop.insist(lasting: 2) { last in
            never.append(last)
            return .again
        }
        #expect(done == [false] && never == [false])
        loop.after(0.1) { loop.stop() }
        loop.run()
        #expect(done == [false, false, false])
        #expect(never == [false, false, true])
    }

    @Test("who is left out is not heard, and heard again when waited for")
    func leftOut() {
        withPipe { from, to in
            let loop = Loop()
            var heard: [String] = []
            loop.watch(from) { events in
                heard.append("read \(events)")
                loop.wait(from, for: 0)
            }
            loop.watch(to, 0) { events in
                heard.append("write \(events)")
                loop.forget(to)
            }
            #expect(write(to, "x", 1) == 1)
            loop.after(0.02) {
                heard.append("timer")
                loop.wait(from, for: POLLIN)
                loop.wait(to, for: POLLOUT)
            }
            loop.after(0.04) { loop.stop() }
            loop.run()
            #expect(heard.prefix(2) == ["read \(POLLIN)", "timer"])
            #expect(heard.dropFirst(2).sorted() == ["read \(POLLIN)", "write \(POLLOUT)"])
        }
    }

    @Test("a hang-up is told, and nothing of a descriptor that was forgotten while another has the file open")
    func forgotten() {
        var ends: [Int32] = [-1, -1]
        #expect(pipe(&ends) == 0)
        let another = dup(ends[0])
        let loop = Loop()
        var heard: [Int16] = []
        loop.watch(ends[0]) { _ in Issue.record("it was forgotten") }
        loop.forget(ends[0])
        loop.watch(another) { events in
            heard.append(events)
            loop.forget(another)
            loop.after(0.01) { loop.stop() }
        }
        close(ends[1])
        loop.run()
        #expect(heard == [Int16(POLLHUP)])
        close(ends[0])
        close(another)
    }

    @Test("a file, which epoll(7) does not take, can always be read")
    func files() {
        let loop = Loop()
        let file = open("/dev/null", O_RDONLY)
        var heard = 0
        loop.watch(file) { events in
            #expect(events == Int16(POLLIN))
            heard += 1
            if heard == 3 { loop.wait(file, for: 0) }
        }
        loop.after(0.02) { loop.stop() }
        loop.run()
        #expect(heard == 3)
        loop.forget(file)
        close(file)
    }

    @Test(
        "timers come when they are due, those of one moment in the order they were set, and one that was cancelled never"
    )
    func timers() {
        let loop = Loop()
        var told: [Int] = []
        loop.after(0.02) { told.append(3) }
        let cancelled = loop.after(0.001) { told.append(0) }
        loop.after(0) {
            told.append(1)
            loop.after(0) { told.append(2) }
        }
        loop.cancel(cancelled)
        loop.after(0.03) { loop.stop() }
        let began = now()
        loop.run()
        #expect(told == [1, 2, 3])
        #expect(now() - began >= 0.03)
    }
}

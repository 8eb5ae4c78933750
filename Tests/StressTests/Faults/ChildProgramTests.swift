import Glibc
import Testing

@testable import StressFaults

@Suite("programs that faults run")
struct ChildProgramTests {
    @Test("both streams, and how it ended")
    func answers() {
        #expect(
            ChildProgram.run(["sh", "-c", "echo a; echo b >&2; exit 3"], within: 10)
                == .init(output: "a\nb\n", status: 3))
        #expect(ChildProgram.run(["sh", "-c", "kill -TERM $$"], within: 10).status == 128 + SIGTERM)
        #expect(ChildProgram.run(["/nonexistent/program"], within: 10).status == 127)
        #expect(ChildProgram.run([], within: 10).status == 127)
    }

    @Test("what takes too long is ended, with what it started")
    func tooLong() {
        #expect(ChildProgram.run(["sh", "-c", "sleep 600 & sleep 600"], within: 0.2).status == 128 + SIGKILL)
    }

    @Test("it has no descriptor of ours, and is in a group of its own")
    func alone() {
        let answer = ChildProgram.run(
            ["sh", "-c", "ls /proc/self/fd | wc -l; echo $$; cut -d' ' -f5 /proc/$$/stat"], within: 10)
        let lines = answer.output.split(separator: "\n").map { $0.filter { $0 != " " } }
        // 0, 1, 2, and the folder that ls reads.
        #expect(lines.count == 3 && lines[0] == "4" && lines[1] == lines[2], "\(answer.output)")
    }
}

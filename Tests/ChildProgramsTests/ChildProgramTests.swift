import Glibc
import Testing

@testable import ChildPrograms

@Suite("programs that are run to their end")
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

    @Test("one that cannot be started says why")
    func noProgram() {
        #expect(throws: SpawnError.notStarted(errno: ENOENT)) { _ = try ChildProgram(["/nonexistent/program"]) }
        #expect(throws: SpawnError.notStarted(errno: EACCES)) { _ = try ChildProgram(["/dev/null"]) }
    }

    @Test("what takes too long is ended, with what it started")
    func tooLong() {
        #expect(ChildProgram.run(["sh", "-c", "sleep 600 & sleep 600"], within: 0.2).status == 128 + SIGKILL)
    }

    @Test("it has no descriptor of ours, and is in a group of its own")
    func alone() {
        // One that a program would inherit.
        let ours = dup(2)
        defer { close(ours) }
        let answer = ChildProgram.run(
            ["sh", "-c", "ls /proc/self/fd | wc -l; echo $$; cut -d' ' -f5 /proc/$$/stat"], within: 10)
        let lines = answer.output.split(separator: "\n").map { $0.filter { $0 != " " } }
        // 0, 1, 2, and the folder that ls reads.
        #expect(lines.count == 3 && lines[0] == "4" && lines[1] == lines[2], "\(answer.output)")
    }

    @Test("its output waits for us, however much it is")
    func muchOutput() throws {
        // A write of more than a pipe holds fails where the pipe does not block.
        let program = try ChildProgram(["dd", "if=/dev/zero", "bs=1M", "count=8", "status=none"])
        #expect(program.wait().status == 0)
        #expect(program.output.count == 8 << 20)
    }

    @Test("many are listened to at once, and each has its own end")
    func many() throws {
        // The first ends last: it waits for a folder, which the second makes.
        let folder = "/tmp/mwcp\(getpid())-\(UInt32.random(in: 0 ... .max))"
        let programs = try [
            ChildProgram(["sh", "-c", "until [ -e \(folder) ]; do sleep 0.01; done; rmdir \(folder); echo last"]),
            ChildProgram(["sh", "-c", "mkdir \(folder); echo first; exit 7"]),
        ]
        var running = programs
        while !running.isEmpty {
            ChildProgram.listen(to: running)
            running.removeAll { $0.ending != nil }
        }
        #expect(programs.map { String(decoding: $0.output, as: UTF8.self) } == ["last\n", "first\n"])
        #expect(programs.map { $0.ending?.status } == [0, 7])
    }
}

import Foundation
import SessionModel
import TestServers
import Testing

@testable import StressLoad

@Suite("words said by the command")
struct CommandWordsTests {
    /// A program that answers as `maxwell` does, and writes down what it was asked.
    private static let script = #"""
        #!/bin/sh
        echo "$*" >>"$(dirname "$0")/asked"
        case $1 in
        start)
            case $* in
            *app=none*) echo "There is no application 7." >&2; exit 66 ;;
            *app=busy*) echo "Please try again." >&2; exit 75 ;;
            *app=odd*) echo "Hello." ;;
            *) echo "Session is 12" ;;
            esac ;;
        view) printf '%s\n' '{"session":12,"width":640,"height":480,"host":"127.0.0.1","port":5633,"encpassword":"dbd83cfd727a1458","connect":"vncsession:abc","token":"abc","wsproxy_host":"127.0.0.1","wsproxy_port":5634,"wsproxy_encrypt":true,"view_only":false}' ;;
        ticket) echo '{"session":12,"ticket":"def","address":"https://x/view/12#def","seconds":600}' ;;
        stop) echo '{"session":12,"status":"stopped"}' ;;
        esac
        """#

    @Test("answers are read, refusals told, and what may pass is known")
    func answers() throws {
        let folder = try PrivateFolder(prefix: "mwcw")
        defer { folder.remove() }
        let program = folder.file("maxwell")
        try Self.script.write(toFile: program, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: program)
        let speaker = CommandWords(program: program).speaker()
        let user = LiveSession.user(5)
        func start(_ application: String) -> Word { .start(user: user, application: application, isSynthetic: true) }
        guard case .started(12) = try speaker.say(start("xterm")) else {
            Issue.record("no session")
            return
        }
        guard case .view(let door) = try speaker.say(.view(session: 12, user: user)) else {
            Issue.record("no view")
            return
        }
        #expect(door.host == "127.0.0.1" && door.token == Secret("abc"))
        #expect(door.password == Secret("password"))
        #expect(door.address != door.browserAddress)
        guard case .ticket(let ticket) = try speaker.say(.ticket(session: 12, user: user)),
            case .stopped = try speaker.say(.stop(session: 12))
        else {
            Issue.record("no ticket")
            return
        }
        #expect(ticket == Secret("def"))
        let none = WordFailure(
            kind: "There is no application …", example: "There is no application 7.", isPassing: false)
        #expect(throws: none) { try speaker.say(start("none")) }
        #expect(throws: WordFailure(sentence: "Please try again.", isPassing: true)) { try speaker.say(start("busy")) }
        #expect {
            try speaker.say(start("odd"))
        } throws: { error in
            (error as? WordFailure)?.kind == "an answer that cannot be read"
        }
        let asked = try String(contentsOfFile: folder.file("asked"), encoding: .utf8).split(separator: "\n")
        #expect(
            asked.prefix(4) == [
                "start user=stress-0005 ip=stress app=xterm stress=synthetic",
                "view user=stress-0005 ip=stress sess=12", "ticket 12 user=stress-0005 --json", "stop 12",
            ])
    }

    @Test("a program that is not there is a failure, not a trap")
    func noProgram() {
        let speaker = CommandWords(program: "/no/such/maxwell").speaker()
        #expect {
            try speaker.say(.stop(session: 1))
        } throws: { error in
            (error as? WordFailure)?.kind == "the program cannot be started"
        }
    }
}

import SessionModel
import Stress
import Testing

@Suite("The words of a run")
struct OptionsTests {
    private func refusal(_ change: (inout StressWords) -> Void) -> Refusal? {
        var words = StressWords()
        change(&words)
        do throws(Refusal) {
            _ = try StressOptions(words)
            return nil
        } catch {
            return error
        }
    }

    @Test("without a word: a hundred sessions at ten a second, for a minute, each watched once")
    func usual() throws {
        let options = try StressOptions(StressWords())
        #expect(options.sessions == 100)
        #expect(options.arrivals == .perSecond(10))
        #expect(options.hold == 60)
        #expect(options.viewers == 1)
        #expect(options.seed == 1)
        #expect(options.via == .socket)
        #expect(!options.isSynthetic)
    }

    @Test("rates, times and proportions are read in every unit")
    func units() throws {
        for (text, rate) in [("50/s", 50.0), ("600/min", 10), ("600/m", 10), ("3600/h", 1), ("0.5/s", 0.5)] {
            var words = StressWords()
            words.rate = text
            #expect(try StressOptions(words).arrivals == .perSecond(rate))
        }
        for (text, hold) in [("1500ms", 1.5), ("90s", 90), ("10m", 600), ("2min", 120), ("2h", 7200), ("1d", 86400)] {
            var words = StressWords()
            words.hold = text
            #expect(try StressOptions(words).hold == hold)
        }
        var words = StressWords()
        words.apps = "xterm,gnuplot:3"
        #expect(try StressOptions(words).applications.weights == ["xterm": 1, "gnuplot": 3])
        #expect(try StressOptions(words).applications.description == "gnuplot:3,xterm")
    }

    @Test("what is said stands above what a profile has")
    func profiles() throws {
        var words = StressWords()
        words.profile = "day"
        words.length = "32m"
        #expect(try StressOptions(words).hold == 120)
        words.hold = "20s"
        words.behaviours = "watcher"
        words.sessions = "7"
        let options = try StressOptions(words)
        #expect(options.arrivals == .day(32 * 60))
        #expect(options.hold == 20)
        #expect(options.behaviours.weights == ["watcher": 1])
        #expect(options.sessions == 7)
    }

    @Test(
        "a mistake is one sentence with what would be right, and status 64",
        arguments: ["0", "-1", "100001", "ten", "1e3", "", "9999999999999999999999"])
    func numbers(text: String) {
        #expect(refusal { $0.sessions = text }?.userMessage == "--sessions takes a number from 1 to 100000.")
        #expect(refusal { $0.burst = text }?.exitStatus == .usage)
    }

    @Test(
        "rates, times and weights that are none are refused",
        arguments: [
            "", "5", "0/s", "5/", "/s", "nan/s", "inf/s", "0x10/s", "1e3/s", "-5/s", "100000/s", "5/s/s", "1.2.3/s",
            "5/w",
        ])
    func rates(text: String) {
        #expect(refusal { $0.rate = text }?.userMessage.hasPrefix("--rate takes a rate") == true)
    }

    @Test(
        "times that are none are refused",
        arguments: ["", "s", "5", "0s", "1e9s", "infs", "-5s", "5 s", "8d", "5S", "٣s"])
    func spans(text: String) {
        #expect(refusal { $0.hold = text }?.userMessage.hasPrefix("--hold takes a time from 1 s to 168 h") == true)
    }

    @Test(
        "weights that are none are refused",
        arguments: [
            "", ",", "watcher,", "watcher:0", "watcher:-1", "watcher:1001", "watcher:1:1", "watcher,watcher", "dancer",
            ":3",
        ])
    func weights(text: String) {
        #expect(
            refusal { $0.behaviours = text }?.userMessage.hasPrefix("--behaviours takes names with weights") == true)
        #expect(refusal { $0.ways = text }?.exitStatus == .usage)
    }

    @Test("applications are names of applications")
    func applications() {
        #expect(refusal { $0.apps = "xterm; rm" }?.userMessage.hasPrefix("--apps takes names") == true)
        #expect(refusal { $0.apps = "../x" } != nil)
    }

    @Test("what contradicts itself is refused")
    func contradictions() {
        #expect(refusal { ($0.burst, $0.sessions) = ("5", "5") }?.userMessage.contains("--burst") == true)
        #expect(refusal { ($0.burst, $0.rate) = ("5", "5/s") } != nil)
        #expect(refusal { ($0.profile, $0.rate) = ("day", "5/s") }?.userMessage.contains("A day") == true)
        #expect(
            refusal { $0.length = "10m" }?.userMessage == "--length is how long a day takes; it needs --profile day.")
        #expect(refusal { $0.profile = "night" }?.userMessage == "--profile takes class, day or storm.")
        #expect(refusal { $0.via = "post" }?.userMessage == "--via takes socket or cli.")
        #expect(refusal { $0.seed = "-1" }?.exitStatus == .usage)
        #expect(refusal { $0.viewers = "51" }?.userMessage == "--viewers takes a number from 0 to 50, such as 1.5.")
    }
}

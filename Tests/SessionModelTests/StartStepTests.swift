import FoundationEssentials
import SessionModel
import Testing

@Suite("Steps of a start") struct StartStepTests {
    @Test("a step is kept as JSON, its time in thousandths, and reads back the same")
    func json() throws {
        let steps = [
            StartStep(at: 0.0123456, host: "node1", display: 7, what: "ready display"),
            StartStep(at: 0.25, host: "node2", what: "new display", outcome: "every display is in use"),
        ]
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        let text = String(decoding: try encoder.encode(steps), as: UTF8.self)
        #expect(
            text == """
                [{"at":0.012,"display":7,"host":"node1","outcome":"ok","what":"ready display"},\
                {"at":0.25,"host":"node2","outcome":"every display is in use","what":"new display"}]
                """)
        #expect(try JSONDecoder().decode([StartStep].self, from: Data(text.utf8)) == steps)
        #expect(steps.map(\.isOK) == [true, false])
    }

    @Test("what is no time counts as none", arguments: [-1, .nan, .infinity, -.infinity, 1e300] as [Double])
    func noTime(at: Double) {
        #expect(StartStep(at: at, host: "", what: "hand-over").at == 0)
    }
}

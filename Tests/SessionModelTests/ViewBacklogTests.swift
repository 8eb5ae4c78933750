import SessionModel
import Testing

@Suite("What is kept of views while the tables are away") struct ViewBacklogTests {
    private typealias Entry = ViewBacklog.Entry
    private static let left = ViewBacklog.Entry.End(bytesToViewer: 9, bytesFromViewer: 3, cause: "viewer left")

    private func word(_ seconds: Double, began: Double? = 10, end: ViewBacklog.Entry.End? = nil) -> ViewBacklog.Entry {
        Entry(view: 7, began: began, clock: "boot", opened: 1000, seconds: seconds, end: end)
    }

    private func folded(_ words: [ViewBacklog.Entry]) -> [ViewBacklog.Entry] {
        var backlog = ViewBacklog()
        for word in words { backlog.add(word) }
        return backlog.words
    }

    @Test("many words about a view become its last one, in whatever order they came")
    func lastWord() {
        let words = [word(0), word(10), word(20), word(23.5, end: Self.left)]
        for order in [words, words.reversed(), [words[3], words[0], words[2], words[1]]] {
            #expect(folded(order) == [word(23.5, end: Self.left)])
        }
        #expect(folded([word(20), word(10)]) == [word(20)])
    }

    @Test("the first end stands")
    func firstEnd() {
        let other = ViewBacklog.Entry.End(bytesToViewer: 0, bytesFromViewer: 0, cause: "relay stops")
        #expect(folded([word(5, end: Self.left), word(9, end: other)]) == [word(5, end: Self.left)])
    }

    @Test("an end that knows no beginning takes the one that was told")
    func beginning() {
        #expect(folded([word(0), word(4, began: nil, end: Self.left)]) == [word(4, end: Self.left)])
    }

    @Test("views are kept apart")
    func apart() {
        var other = word(1)
        other.view = 3
        #expect(folded([word(2), other]) == [other, word(2)])
    }
}

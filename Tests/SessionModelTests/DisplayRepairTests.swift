import SessionModel
import Testing

@Suite("Repairs of a host's displays") struct DisplayRepairTests {
    private func display(_ number: Int) throws -> DisplayNumber { try DisplayNumber(number) }

    @Test("what records and host agree on is left alone")
    func agreement() throws {
        let claims = [DisplayRepair.Claim(display: try display(1), session: SessionNumber(7), age: 4000)]
        #expect(DisplayRepair.plan(claims: claims, observed: [try display(1)]) == [])
    }

    @Test("a session whose display is gone ends, a display nobody claims is ended, an empty claim is given back")
    func threeRepairs() throws {
        let claims = [
            DisplayRepair.Claim(display: try display(1), session: SessionNumber(7), age: 4000),
            DisplayRepair.Claim(display: try display(3), session: nil, age: 61),
        ]
        #expect(
            DisplayRepair.plan(claims: claims, observed: [try display(2)])
                == [.endSession(SessionNumber(7)), .endDisplay(try display(2)), .releaseClaim(try display(3))])
    }

    @Test("a young claim may still be on its way and is left alone")
    func pendingClaim() throws {
        let claims = [DisplayRepair.Claim(display: try display(1), session: nil, age: 59)]
        #expect(DisplayRepair.plan(claims: claims, observed: []) == [])
    }
}

import RelayProtocol
import Testing

@Suite("proof of life")
struct ProofOfLifeTests {
    @Test("a TCP acknowledgement proves life where no program is asked, or where its answer could not come through")
    func acknowledgements() {
        #expect(ProofOfLife.acknowledgementCounts(isWebSocket: false, isHeldUp: false))
        #expect(ProofOfLife.acknowledgementCounts(isWebSocket: false, isHeldUp: true))
        #expect(!ProofOfLife.acknowledgementCounts(isWebSocket: true, isHeldUp: false))
        #expect(ProofOfLife.acknowledgementCounts(isWebSocket: true, isHeldUp: true))
    }

    @Test("the later of byte and acknowledgement counts, whichever comes first")
    func latest() {
        var proof = ProofOfLife(at: 100)
        proof.heard(at: 110)
        proof.acknowledged(15, ago: 120)
        #expect(proof.last == 110)
        proof.acknowledged(4, ago: 120)
        #expect(proof.last == 116)
        proof.heard(at: 112)
        #expect(proof.last == 116)
    }

    @Test("an acknowledgement is never of the future")
    func noFuture() {
        var proof = ProofOfLife(at: 100)
        proof.acknowledged(-3, ago: 101)
        #expect(proof.last == 101)
    }

    @Test("a viewer is dead after 60 s without a proof, and not at 60 s")
    func death() {
        let proof = ProofOfLife(at: 100)
        #expect(!proof.isDead(at: 160))
        #expect(proof.isDead(at: 160.1))
    }

    @Test(
        "an interval ends at the last proof, not before its view began and not after now",
        arguments: [
            (began: 90.0, proof: 100.0, now: 130.0, seconds: 10.0), (120, 100, 130, 0), (90, 140, 130, 40),
            (130, 140, 130, 0),
        ])
    func interval(began: Double, proof: Double, now: Double, seconds: Double) {
        #expect(ProofOfLife(at: proof).seconds(since: began, at: now) == seconds)
    }
}

@Suite("a relay's identity")
struct RelayIdentityTests {
    @Test("the name is the machine and where it listens, the instance 16 hex digits")
    func words() {
        let identity = RelayIdentity(host: "gate", addresses: ["[::]:563", "[::]:8443"], random: 0xABC)
        #expect(identity.name == "gate [::]:563 [::]:8443")
        #expect(identity.instance == "0000000000000abc")
        #expect(RelayIdentity(host: "", addresses: [], random: .max).instance == "ffffffffffffffff")
    }

    @Test("a long name is cut to 80 characters")
    func longName() {
        let host = String(repeating: "h", count: 64)
        let addresses = ["[2001:db8:1111:2222:3333:4444:5555:6666]:563"]
        #expect(RelayIdentity(host: host, addresses: addresses, random: 0).name.count == 80)
    }
}

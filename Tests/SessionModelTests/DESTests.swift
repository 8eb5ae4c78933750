import SessionModel
import Testing

@Suite("DES and the VNC password")
struct DESTests {
    @Test(
        "published vectors come out",
        arguments: [
            // FIPS 46's worked example, and NBS Special Publication 500-20's first variable plaintext and key.
            ("133457799bbcdff1", "0123456789abcdef", "85e813540f0ab405"),
            ("0101010101010101", "8000000000000000", "95f8a5e5dd31d900"),
            ("8001010101010101", "0000000000000000", "95a8d72813daa94d"),
            ("0000000000000000", "0000000000000000", "8ca64de9c1b123a7"),
            ("7ca110454a1a6e57", "01a1d6d039776742", "690f5b0d9a26939b"),
        ])
    func vectors(_ key: String, _ plain: String, _ cipher: String) {
        #expect(hexadecimal(desEncrypt(block: bytes(plain), key: bytes(key))) == cipher)
    }

    @Test("a password is stored as vncpasswd stores it")
    func obfuscated() {
        #expect(VNCPassword.obfuscated(Secret("testtest")) == "beafef4c081572d8")
        #expect(VNCPassword.obfuscated(Secret("secret12longer")) == VNCPassword.obfuscated(Secret("secret12")))
    }

    @Test("a challenge is answered half by half")
    func response() {
        let answer = VNCPassword.response(challenge: [UInt8](0..<16), password: Secret("testtest"))
        #expect(answer.count == 16)
        let key: [UInt8] = [0x2e, 0xa6, 0xce, 0x2e, 0x2e, 0xa6, 0xce, 0x2e]
        #expect(answer == desEncrypt(block: [UInt8](0..<8), key: key) + desEncrypt(block: [UInt8](8..<16), key: key))
    }

    @Test("wrong lengths are filled with zeros or cut")
    func lengths() {
        #expect(desEncrypt(block: [], key: []) == desEncrypt(block: [UInt8](repeating: 0, count: 9), key: [0, 0]))
        #expect(VNCPassword.response(challenge: [1], password: Secret("")).count == 16)
    }

    private func bytes(_ hex: String) -> [UInt8] {
        var rest = Substring(hex)
        var bytes: [UInt8] = []
        while let byte = UInt8(rest.prefix(2), radix: 16) {
            bytes.append(byte)
            rest = rest.dropFirst(2)
        }
        return bytes
    }
}

import COpenSSL
import SessionModel

extension VNCPassword {
    /// The password behind the 16 hex digits that ``obfuscated(_:)`` makes and `maxwell view` tells; nil when they are
    /// no such digits.
    ///
    /// OpenSSL counts DES among its legacy algorithms; triple DES with the same key three times is DES, and at hand.
    public static func revealed(_ digits: String) -> Secret? {
        let ascii = Array(digits.utf8)
        guard ascii.count == 16 else { return nil }
        var block: [UInt8] = []
        for place in stride(from: 0, to: 16, by: 2) {
            guard let byte = UInt8(String(decoding: ascii[place..<place + 2], as: UTF8.self), radix: 16) else {
                return nil
            }
            block.append(byte)
        }
        // The key that every VNC program knows, its bits in the order of FIPS 46-3.
        let known: [UInt8] = [0xe8, 0x4a, 0xd6, 0x60, 0xc4, 0x72, 0x1a, 0xe0]
        guard let context = EVP_CIPHER_CTX_new() else { return nil }
        defer { EVP_CIPHER_CTX_free(context) }
        var plain = [UInt8](repeating: 0, count: 16)
        var length: Int32 = 0
        guard EVP_DecryptInit_ex(context, EVP_des_ede3_ecb(), nil, known + known + known, nil) == 1,
            EVP_CIPHER_CTX_set_padding(context, 0) == 1,
            EVP_DecryptUpdate(context, &plain, &length, block, 8) == 1, length == 8
        else { return nil }
        return Secret(String(decoding: plain.prefix(8).prefix { $0 != 0 }, as: UTF8.self))
    }
}

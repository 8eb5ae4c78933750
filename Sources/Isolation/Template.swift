import CLinux
import Glibc
import HostProtocol
import SessionModel

extension RunFolder {
    /// What a display made now is made from, in 16 hex digits: this program, the display server, bubblewrap and the
    /// arguments they get. A display whose template is another one is out of date.
    var template: String {
        var digest = Digest()
        digest.add(maxwellVersion)
        for program in ["/proc/self/exe", displayServer, "bwrap"] { digest.add(Self.identity(of: program)) }
        for word in arguments { digest.add(word) }
        return digest.text
    }

    /// The arguments of a display that stands for all of them.
    private var arguments: [String] {
        guard let number = try? DisplayNumber(1) else { return [] }
        let order = DisplayOrder(
            display: number, geometry: .usual, depth: 24, withGL: true, uid: 1, password: Secret(""), key: Secret(""))
        let folder = DisplayFolder(path: "/")
        switch isolation {
        case .container:
            return Container.wrapped(order, displayServer, folder, .template, filter: 3, information: 4)
        case .none: return Container.plain(order, displayServer, folder)
        }
    }

    /// What tells one file from another that took its place; empty when it is not there.
    private static func identity(of program: String) -> String {
        var about = stat()
        guard let path = programPath(program), stat(path, &about) == 0 else { return "" }
        return "\(path) \(about.st_dev) \(about.st_ino) \(about.st_size) "
            + "\(about.st_mtim.tv_sec).\(about.st_mtim.tv_nsec)"
    }
}

/// FNV-1a with 64 bits: tells texts apart that nobody forged.
private struct Digest {
    private var value: UInt64 = 0xcbf2_9ce4_8422_2325

    mutating func add(_ text: String) {
        for byte in Array(text.utf8) + [0] { value = (value ^ UInt64(byte)) &* 0x100_0000_01b3 }
    }

    var text: String {
        hexadecimal(stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: value >> $0) })
    }
}

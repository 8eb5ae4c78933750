import CLinux
import Glibc

/// Says that a run goes on at a gateway, from its beginning to the end of the program, however that ends: an abstract name
/// that one process of the machine can have at a time (unix(7)), also where it cannot write a file.
public enum SoleRun {
    /// Begins the only one at the gateway whose control socket is at `path`; refused where there is another.
    public static func begin(at path: String) throws(LoadError) {
        let holder = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard holder >= 0 else {
            throw .noLoop(errno: errno)
        }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        // The end of a path is what tells it from another one.
        let name = [0] + Array(("maxwell-stress " + path).utf8.suffix(MemoryLayout.size(ofValue: address.sun_path) - 1))
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
        let length = MemoryLayout<sockaddr_un>.offset(of: \.sun_path).map { $0 + name.count } ?? 0
        let isFree = withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(holder, $0, socklen_t(length)) == 0 }
        }
        guard isFree else {
            close(holder)
            throw .anotherRun
        }
    }
}

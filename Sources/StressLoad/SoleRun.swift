import CLinux
import Glibc
import UnixSockets

/// Says that a run goes on at a gateway, from its beginning to the end of the program, however that ends: an abstract name
/// that one process of the machine can have at a time (unix(7)), also where it cannot write a file.
public enum SoleRun {
    /// Begins the only one at the gateway whose control socket is at `path`; refused where there is another.
    public static func begin(at path: String) throws(LoadError) {
        // The end of a path is what tells it from another one.
        guard let name = UnixAddress(abstract: "maxwell-stress \(path)".utf8.suffix(UnixAddress.longest)) else {
            preconditionFailure("as many bytes as fit")
        }
        let holder = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard holder >= 0 else {
            throw .noLoop(errno: errno)
        }
        guard name.withPointer({ bind(holder, $0, $1) }) == 0 else {
            close(holder)
            throw .anotherRun
        }
    }
}

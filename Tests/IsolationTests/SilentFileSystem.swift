import Foundation
import Glibc

/// A file system in user space whose server greets the kernel and then never answers, as a network file system does whose
/// server has gone: who asks cannot even be killed (fuse(4)).
final class SilentFileSystem {
    struct Refused: Error {}

    let path: String
    private let device: Int32
    /// A pipe with a byte for each request.
    private let asked: [Int32]
    private var isOver = false

    /// Mounts it at `place`, which is made.
    init(at place: String) throws {
        path = place
        mkdir(path, 0o755)
        device = open("/dev/fuse", O_RDWR | O_CLOEXEC)
        var ends: [Int32] = [-1, -1]
        let options = "fd=\(device),rootmode=40000,user_id=0,group_id=0,allow_other"
        guard device >= 0, pipe(&ends) == 0, mount("silent", path, "fuse.silent", 0, options) == 0 else {
            throw Refused()
        }
        asked = ends
        var request = [UInt8](repeating: 0, count: 1 << 17)
        // struct fuse_in_header: length, opcode (26: FUSE_INIT), unique.
        guard read(device, &request, request.count) > 40, request[4] == 26 else { throw Refused() }
        var answer = [UInt8](repeating: 0, count: 16 + 64)
        answer[0] = UInt8(answer.count)
        answer[8..<16] = request[8..<16]
        // struct fuse_init_out: version 7.31, and max_write.
        answer[16] = 7
        answer[20] = 31
        answer[16 + 21] = 16
        guard write(device, answer, answer.count) == answer.count else { throw Refused() }
        let (device, told) = (device, asked[1])
        Thread.detachNewThread {
            var request = [UInt8](repeating: 0, count: 1 << 17)
            while read(device, &request, request.count) > 0 { _ = write(told, &request, 1) }
        }
    }

    /// Returns when somebody waits for an answer.
    func awaitRequest() {
        var byte: UInt8 = 0
        _ = read(asked[0], &byte, 1)
    }

    /// Ends the server: whoever waits gets an error. Idempotent.
    func end() {
        guard !isOver else { return }
        isOver = true
        umount2(path, Int32(MNT_DETACH | MNT_FORCE))
        close(device)
        rmdir(path)
    }
}

import Glibc
import SessionModel

/// Why a load cannot be put on a gateway.
public enum LoadError: UserFacingError, Equatable {
    case noLoop(errno: Int32)
    /// The file with the authority's certificate cannot be read.
    case noAuthority(String)
    case noThread(errno: Int32)
    /// Another run goes on at the gateway.
    case anotherRun

    /// One sentence for the person.
    public var userMessage: String {
        switch self {
        case .noLoop: "This machine gives no descriptors for a load; please raise its limit (ulimit -n)."
        case .noAuthority(let file): "The certificate authority's file \(file) cannot be read; please name another one."
        case .noThread: "This machine is too busy for one more thread; please try again in a minute."
        case .anotherRun: "Another run goes on at this gateway; please wait for its end."
        }
    }

    /// What the command ends with.
    public var exitStatus: ExitStatus {
        switch self {
        case .noLoop, .noThread: .osError
        case .noAuthority: .noInput
        case .anotherRun: .tryAgain
        }
    }

    /// The errno, where there is one.
    public var operatorCause: String? {
        switch self {
        case .noLoop(let errno), .noThread(let errno): "errno \(errno)"
        case .noAuthority, .anotherRun: nil
        }
    }
}

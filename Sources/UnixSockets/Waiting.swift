/// How long a call on a socket may wait for the other side.
public enum Waiting: Equatable, Sendable {
    /// It fails with EAGAIN instead (O_NONBLOCK, fcntl(2)).
    case never
    /// So many whole seconds (SO_RCVTIMEO and SO_SNDTIMEO, socket(7)).
    case atMost(seconds: Int)
    /// As long as the other side stands.
    case always
}

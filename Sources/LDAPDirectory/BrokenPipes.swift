import Glibc

/// Runs `body` with SIGPIPE blocked in this thread, since libldap writes with write(2).
func withoutBrokenPipes<Value>(_ body: () -> Value) -> Value {
    var pipe = sigset_t()
    var before = sigset_t()
    sigemptyset(&pipe)
    sigaddset(&pipe, SIGPIPE)
    pthread_sigmask(SIG_BLOCK, &pipe, &before)
    let value = body()
    if sigismember(&before, SIGPIPE) == 0 {
        var none = timespec()
        while sigtimedwait(&pipe, nil, &none) == SIGPIPE {}
    }
    pthread_sigmask(SIG_SETMASK, &before, nil)
    return value
}

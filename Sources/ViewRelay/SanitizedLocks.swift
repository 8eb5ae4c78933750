#if THREAD_SANITIZER
    import ControlSocket

    typealias Mutex = SanitizedMutex
#endif

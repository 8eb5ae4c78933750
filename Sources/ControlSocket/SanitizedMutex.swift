#if THREAD_SANITIZER
    import Glibc

    /// Stands in for Synchronization's Mutex where thread sanitizer watches: it knows pthread_mutex_lock(3), and takes
    /// what the other guards by a futex of its own for a race.
    public final class SanitizedMutex<Value: ~Copyable>: @unchecked Sendable {
        private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
        private nonisolated(unsafe) let value = UnsafeMutablePointer<Value>.allocate(capacity: 1)

        /// A lock around `value`.
        public init(_ value: consuming sending Value) {
            self.value.initialize(to: value)
            pthread_mutex_init(lock, nil)
        }

        deinit {
            pthread_mutex_destroy(lock)
            lock.deallocate()
            value.deinitialize(count: 1)
            value.deallocate()
        }

        /// Runs `body` while no other thread has the value.
        public func withLock<Result, Failure: Error>(
            _ body: (inout sending Value) throws(Failure) -> sending Result
        ) throws(Failure) -> sending Result {
            pthread_mutex_lock(lock)
            defer { pthread_mutex_unlock(lock) }
            return try body(&value.pointee)
        }
    }

    typealias Mutex = SanitizedMutex
#endif

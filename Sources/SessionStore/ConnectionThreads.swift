import CMariaDB

#if canImport(Glibc)
    import Glibc
#endif

/// Threads that own one connection each and take jobs from one queue: libmariadb blocks, so it gets none of the
/// concurrency runtime's threads.
final class ConnectionThreads: @unchecked Sendable {
    typealias Job = @Sendable (Connection) -> Void

    // `mutex` guards `jobs` and `closed`.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let arrival: UnsafeMutablePointer<pthread_cond_t>
    private var jobs: [Job] = []
    private var head = 0
    private var closed = false

    init() {
        mutex = .allocate(capacity: 1)
        mutex.initialize(to: pthread_mutex_t())
        arrival = .allocate(capacity: 1)
        arrival.initialize(to: pthread_cond_t())
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(arrival, nil)
        mysql_server_init(0, nil, nil)
    }

    deinit {
        pthread_cond_destroy(arrival)
        pthread_mutex_destroy(mutex)
        arrival.deallocate()
        mutex.deallocate()
    }

    /// Starts the threads; each ends, and closes its connection, after ``close()``.
    func start(_ address: DatabaseAddress) {
        for _ in 0..<max(1, address.connections) {
            let life = Unmanaged.passRetained(ThreadLife(threads: self, address: address))
            var thread = pthread_t()
            let status = pthread_create(
                &thread, nil,
                { argument in
                    guard let argument else { return nil }
                    let life = Unmanaged<ThreadLife>.fromOpaque(argument).takeRetainedValue()
                    mysql_thread_init()
                    life.threads.work(Connection(life.address))
                    mysql_thread_end()
                    return nil
                }, life.toOpaque())
            precondition(status == 0, "no thread for a database connection: \(status)")
            pthread_detach(thread)
        }
    }

    /// Gives `job` to the next free thread.
    func add(_ job: @escaping Job) {
        pthread_mutex_lock(mutex)
        jobs.append(job)
        pthread_cond_signal(arrival)
        pthread_mutex_unlock(mutex)
    }

    /// Lets the threads end when the queue is empty.
    func close() {
        pthread_mutex_lock(mutex)
        closed = true
        pthread_cond_broadcast(arrival)
        pthread_mutex_unlock(mutex)
    }

    private func work(_ connection: Connection) {
        while let job = next() { job(connection) }
        connection.disconnect()
    }

    private func next() -> Job? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while head == jobs.count {
            if closed { return nil }
            pthread_cond_wait(arrival, mutex)
        }
        let job = jobs[head]
        head += 1
        if head == jobs.count {
            jobs.removeAll(keepingCapacity: true)
            head = 0
        }
        return job
    }
}

/// What a new thread takes with it.
private final class ThreadLife {
    let threads: ConnectionThreads
    let address: DatabaseAddress

    init(threads: ConnectionThreads, address: DatabaseAddress) {
        self.threads = threads
        self.address = address
    }
}

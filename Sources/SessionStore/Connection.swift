import CMariaDB
import SessionModel

#if canImport(Glibc)
    import Glibc
#endif

/// One connection to the server; lives on one thread, which may block in it.
final class Connection {
    private let address: DatabaseAddress
    private var handle: UnsafeMutablePointer<MYSQL>?
    private var prepared = PreparedStatements()
    private var inTransaction = false
    /// When a statement was last answered, in seconds of the monotonic clock.
    private var lastUse = 0
    private let monotonicSeconds: () -> Int
    /// Whether the current job has sent anything that changes rows outside of a transaction that was rolled back.
    private(set) var hasWritten = false
    /// Whether the last failure was the loss of a connection that stood.
    private(set) var wasLost = false
    /// How many statements were sent since the count was last taken.
    private(set) var statements: UInt64 = 0
    /// The number an AUTO_INCREMENT column gave to the last inserted row.
    private(set) var lastInsertID: UInt64 = 0

    /// A connection to be; `clock` tells the seconds of a clock that only goes forward.
    init(_ address: DatabaseAddress, clock: @escaping () -> Int = Connection.monotonicSeconds) {
        self.address = address
        monotonicSeconds = clock
    }

    deinit { disconnect() }

    /// Forgets the count of statements and returns it.
    func takeStatements() -> UInt64 {
        defer { statements = 0 }
        return statements
    }

    /// Connects if need be. A connection that rested may have been closed by the server: it is asked first.
    func prepareForJob() throws(StoreError) {
        hasWritten = false
        wasLost = false
        if let handle, monotonicSeconds() - lastUse >= 5, mysql_ping(handle) != 0 { disconnect() }
        if handle == nil { try connect() }
        lastUse = monotonicSeconds()
    }

    /// Undoes what a failed job left open.
    func abandonTransaction() {
        guard inTransaction, let handle else { return }
        inTransaction = false
        if mysql_rollback(handle) != 0 { disconnect() }
    }

    func disconnect() {
        prepared.closeAll()
        if let handle { mysql_close(handle) }
        handle = nil
        inTransaction = false
    }

    /// Runs `body` between START TRANSACTION and COMMIT.
    func transaction<Result>(_ body: () throws(StoreError) -> Result) throws(StoreError) -> Result {
        try command("START TRANSACTION")
        inTransaction = true
        let result = try body()
        try command("COMMIT")
        inTransaction = false
        return result
    }

    /// Runs a prepared statement and returns its rows.
    func query(_ sql: String, _ values: any Bindable...) throws(StoreError) -> [Row] {
        try query(sql, values: values)
    }

    /// Runs a prepared statement whose values are counted at run time, and returns its rows.
    func query(_ sql: String, values: [any Bindable]) throws(StoreError) -> [Row] {
        let statement = try run(sql, values)
        defer { mysql_stmt_free_result(statement) }
        return try rows(of: statement)
    }

    /// Runs a prepared statement and returns how many rows it changed (not: found).
    @discardableResult
    func execute(_ sql: String, _ values: any Bindable...) throws(StoreError) -> UInt64 {
        try execute(sql, values: values)
    }

    /// Runs a prepared statement whose values are counted at run time, and returns how many rows it changed.
    @discardableResult
    func execute(_ sql: String, values: [any Bindable]) throws(StoreError) -> UInt64 {
        hasWritten = true
        let statement = try run(sql, values)
        lastInsertID = mysql_stmt_insert_id(statement)
        return mysql_stmt_affected_rows(statement)
    }

    /// Runs a text without values, of one statement or many; answers are dropped.
    func script(_ text: String) throws(StoreError) {
        guard let handle else { throw .unavailable(cause: "not connected") }
        hasWritten = true
        statements += 1
        guard mysql_set_server_option(handle, MYSQL_OPTION_MULTI_STATEMENTS_ON) == 0,
            mysql_real_query(handle, text, UInt(text.utf8.count)) == 0
        else { throw failure() }
        while true {
            if let result = mysql_store_result(handle) { mysql_free_result(result) }
            let next = mysql_next_result(handle)
            if next > 0 { throw failure() }
            if next < 0 { break }
        }
        guard mysql_set_server_option(handle, MYSQL_OPTION_MULTI_STATEMENTS_OFF) == 0 else { throw failure() }
    }

    private func command(_ text: String) throws(StoreError) {
        guard let handle else { throw .unavailable(cause: "not connected") }
        statements += 1
        guard mysql_real_query(handle, text, UInt(text.utf8.count)) == 0 else { throw failure() }
    }

    private func connect() throws(StoreError) {
        guard let handle = mysql_init(nil) else { throw .unavailable(cause: "mysql_init: out of memory") }
        self.handle = handle
        var seconds = UInt32(max(1, address.timeoutSeconds))
        mysql_options(handle, MYSQL_OPT_CONNECT_TIMEOUT, &seconds)
        mysql_options(handle, MYSQL_OPT_READ_TIMEOUT, &seconds)
        mysql_options(handle, MYSQL_OPT_WRITE_TIMEOUT, &seconds)
        _ = "utf8mb4".withCString { mysql_options(handle, MYSQL_SET_CHARSET_NAME, $0) }
        // As the hubs' own connections have it: a column of an older table without a default stays writable.
        // READ COMMITTED: a lost race for a row is seen at once and holds no locks on gaps.
        let greeting = "SET SESSION sql_mode = 'NO_ENGINE_SUBSTITUTION', SESSION tx_isolation = 'READ-COMMITTED'"
        _ = greeting.withCString { mysql_options(handle, MYSQL_INIT_COMMAND, $0) }
        guard
            mysql_real_connect(
                handle, address.socket == nil ? address.host : nil, address.user, address.password?.exposed,
                address.name, UInt32(clamping: address.port), address.socket, 0) != nil
        else {
            let error = failure()
            disconnect()
            guard case .internal(let cause) = error else { throw error }
            throw .unavailable(cause: cause)
        }
    }

    private func run(_ sql: String, _ values: [any Bindable]) throws(StoreError) -> UnsafeMutablePointer<MYSQL_STMT> {
        let statement = try statement(for: sql)
        statements += 1
        let parameters = Parameters(values.map(\.bound))
        guard Int(mysql_stmt_param_count(statement)) == values.count else {
            preconditionFailure("a statement has another number of values: \(sql)")
        }
        guard mysql_stmt_bind_param(statement, parameters.binds) == 0, mysql_stmt_execute(statement) == 0 else {
            throw failure(of: statement)
        }
        return withExtendedLifetime(parameters) { statement }
    }

    private func statement(for sql: String) throws(StoreError) -> UnsafeMutablePointer<MYSQL_STMT> {
        if let known = prepared.use(sql, at: monotonicSeconds()) { return known }
        guard let handle else { throw .unavailable(cause: "not connected") }
        guard let statement = mysql_stmt_init(handle) else { throw .internal(cause: "mysql_stmt_init: out of memory") }
        guard mysql_stmt_prepare(statement, sql, UInt(sql.utf8.count)) == 0 else {
            let error = failure(of: statement)
            mysql_stmt_close(statement)
            throw error
        }
        prepared.keep(statement, for: sql)
        return statement
    }

    private func rows(of statement: UnsafeMutablePointer<MYSQL_STMT>) throws(StoreError) -> [Row] {
        let columns = Int(mysql_stmt_field_count(statement))
        let results = ResultBuffers(columns: columns)
        guard mysql_stmt_bind_result(statement, results.binds) == 0, mysql_stmt_store_result(statement) == 0 else {
            throw failure(of: statement)
        }
        var rows: [Row] = []
        while true {
            switch mysql_stmt_fetch(statement) {
            case 0, MYSQL_DATA_TRUNCATED:
                var cells: [String?] = []
                for column in 0..<columns { cells.append(results.text(of: column, in: statement)) }
                rows.append(Row(cells: cells))
            case MYSQL_NO_DATA: return rows
            default: throw failure(of: statement)
            }
        }
    }

    private func failure() -> StoreError {
        guard let handle else { return .unavailable(cause: "not connected") }
        return failure(mysql_errno(handle), String(cString: mysql_error(handle)))
    }

    private func failure(of statement: UnsafeMutablePointer<MYSQL_STMT>) -> StoreError {
        failure(mysql_stmt_errno(statement), String(cString: mysql_stmt_error(statement)))
    }

    private func failure(_ code: UInt32, _ text: String) -> StoreError {
        let cause = "MariaDB \(code): \(text)"
        switch Int32(clamping: code) {
        case ER_DUP_ENTRY: return .duplicate(cause: "MariaDB \(code): a row with that key is there")
        case ER_LOCK_DEADLOCK, ER_LOCK_WAIT_TIMEOUT, ER_CHECKREAD: return .deadlock(cause: cause)
        case CR_SERVER_GONE_ERROR, CR_SERVER_LOST, ER_SERVER_SHUTDOWN, ER_CONNECTION_KILLED:
            wasLost = true
            return .unavailable(cause: cause)
        case CR_CONNECTION_ERROR, CR_CONN_HOST_ERROR, CR_UNKNOWN_HOST, ER_CON_COUNT_ERROR, ER_UNKNOWN_COM_ERROR,
            ER_OPTION_PREVENTS_STATEMENT:
            return .unavailable(cause: cause)
        default: return .internal(cause: cause)
        }
    }

    /// CLOCK_MONOTONIC.
    static func monotonicSeconds() -> Int {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return time.tv_sec
    }
}

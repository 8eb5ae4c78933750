import Foundation

/// A real MariaDB of this test run, on a Unix socket alone.
public final class MariaDBServer: Sendable {
    /// The run's one server, started by the first who asks.
    public static let shared: Result<MariaDBServer, any Error> = Result { try MariaDBServer() }

    /// The server's Unix socket.
    public let socket: String
    /// The account that may do everything; it has no password, the socket tells who asks.
    public let user: String
    private let process: WatchedProcess

    /// Starts a server with empty databases; it ends with this process.
    public init() throws {
        let account = geteuid() == 0 ? "mysql" : NSUserName()
        let folder = try PrivateFolder(prefix: "mwdb", owner: account)
        user = NSUserName()
        socket = folder.file("s")
        let installed = try runCommand([
            "/usr/bin/mariadb-install-db", "--no-defaults", "--user=\(account)", "--datadir=\(folder.file("data"))",
            "--auth-root-authentication-method=socket", "--auth-root-socket-user=\(user)", "--skip-test-db",
        ])
        guard installed.status == 0 else {
            folder.remove()
            throw TestServerError("mariadb-install-db: \(installed.output)\(installed.errors)")
        }
        process = try WatchedProcess(
            [
                "/usr/sbin/mariadbd", "--no-defaults", "--user=\(account)", "--datadir=\(folder.file("data"))",
                "--socket=\(folder.file("s"))", "--pid-file=\(folder.file("pid"))", "--skip-networking",
                "--skip-log-bin", "--innodb-buffer-pool-size=32M", "--innodb-log-file-size=16M",
                "--innodb-flush-log-at-trx-commit=0", "--performance-schema=0", "--max-connections=2000",
            ], log: folder.file("log"), removing: folder)
        try process.waitUntil { (try? sql("SELECT 1", in: "mysql")) != nil }
    }

    /// An empty database of its own for one test; gives its name.
    public func makeDatabase(characterSet: String = "utf8mb4", collation: String = "utf8mb4_general_ci") throws
        -> String
    {
        let name = "t" + UUID().uuidString.replacingOccurrences(of: "-", with: "").lowercased().prefix(16)
        try sql("CREATE DATABASE `\(name)` CHARACTER SET \(characterSet) COLLATE \(collation)", in: "mysql")
        return name
    }

    /// Runs statements with the `mariadb` client, as somebody else would, and gives the rows' cells; NULL is "NULL".
    @discardableResult
    public func sql(_ text: String, in database: String) throws -> [[String]] {
        let result = try runCommand(
            [
                "/usr/bin/mariadb", "--no-defaults", "--socket=\(socket)", "--user=\(user)", "--batch",
                "--skip-column-names", database,
            ], input: text)
        guard result.status == 0 else { throw TestServerError("mariadb: \(result.errors)") }
        return result.output.split(separator: "\n").map { line in
            line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
        }
    }

    /// The end of the server's log, to be shown when a test fails.
    public var log: String { process.logEnd }
}

import Foundation

/// What kept a test server from starting; its log is in here.
public struct ServerStartFailure: Error, CustomStringConvertible {
    /// What happened.
    public let description: String
}

/// A private slapd(8) of one test run with an authority of its own, on free ports of the loopback and a Unix socket.
/// It takes no password without encryption. It ends with this process, however that ends, since a shell waits for
/// the pipe between them to close.
///
/// Unchecked: the process is only waited for.
public final class Slapd: @unchecked Sendable {
    /// Everything of it lies below.
    public let folder: String
    /// Takes StartTLS.
    public let uri: String
    /// TLS from the first byte.
    public let tlsURI: String
    /// A Unix socket.
    public let localURI: String
    private let lifeline: Pipe
    private let shell: Process

    /// The authority that signed the server's certificate.
    public var caFile: String { folder + "/ca.crt" }
    /// An authority that signed nothing.
    public var otherCAFile: String { folder + "/other.crt" }

    /// The tree's top.
    public static let suffix = "dc=maxwell,dc=test"
    /// May read everything but passwords; anonymous may not.
    public static let readerDN = "cn=reader,\(suffix)"
    /// Its password.
    public static let readerPassword = "read-only-word"

    /// Starts one with the entries of `ldif` below ``suffix``, and returns when it answers.
    ///
    /// `isReadable` lets anonymous read it too, except for passwords.
    public init(ldif: String, isReadable: Bool = false) throws {
        var template = Array("/tmp/mw-slapd-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw ServerStartFailure(description: "mkdtemp failed") }
        let folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        self.folder = folder
        let ports = [try FreePort(), try FreePort()]
        uri = "ldap://127.0.0.1:\(ports[0].number)"
        tlsURI = "ldaps://127.0.0.1:\(ports[1].number)"
        localURI = "ldapi://" + "\(folder)/ldapi".replacingOccurrences(of: "/", with: "%2F")
        try Self.configuration(folder, isReadable: isReadable).write(
            toFile: folder + "/slapd.conf", atomically: true, encoding: .utf8)
        try (Self.top + ldif).write(toFile: folder + "/seed.ldif", atomically: true, encoding: .utf8)
        try Self.run(
            """
            set -e; cd \(folder); mkdir data
            for ca in ca other; do
              openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout $ca.key -out $ca.crt \
                -days 2 -subj "/CN=test $ca" -addext keyUsage=keyCertSign
            done
            openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout slapd.key -out slapd.csr -subj /CN=slapd
            printf 'subjectAltName=IP:127.0.0.1\\n' > slapd.ext
            openssl x509 -req -in slapd.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile slapd.ext -out slapd.crt
            slapadd -f slapd.conf -l seed.ldif
            """)
        ports.forEach { $0.release() }
        lifeline = Pipe()
        // Else the shell, slapd and whatever is started later would hold it open themselves.
        _ = fcntl(lifeline.fileHandleForWriting.fileDescriptor, F_SETFD, FD_CLOEXEC)
        shell = Process()
        shell.executableURL = URL(fileURLWithPath: "/bin/sh")
        // `-d 0` keeps slapd in the foreground. Children of a worker thread have
        // SIGTERM and SIGCHLD blocked: nothing here waits for either.
        shell.arguments = [
            "-c",
            "slapd -d 0 -f \(folder)/slapd.conf -h '\(uri) \(tlsURI) \(localURI)' >\(folder)/slapd.log 2>&1 </dev/null & "
                + "server=$!; read end; kill -KILL $server; rm -rf \(folder)",
        ]
        shell.standardInput = lifeline
        shell.standardOutput = FileHandle.nullDevice
        shell.standardError = FileHandle.nullDevice
        try shell.run()
        try Self.run(
            """
            for try in $(seq 1 200); do
              ldapsearch -x -H '\(localURI)' -b '' -s base >/dev/null 2>&1 && exit 0
              sleep 0.02
            done
            echo "slapd does not answer"; cat \(folder)/slapd.log; exit 1
            """)
    }

    /// Ends it and removes its folder; returns when both is done.
    public func stop() throws {
        try lifeline.fileHandleForWriting.close()
        shell.waitUntilExit()
    }

    private static func run(_ script: String) throws {
        let shell = Process()
        let output = Pipe()
        shell.executableURL = URL(fileURLWithPath: "/bin/sh")
        shell.arguments = ["-c", "PATH=$PATH:/usr/sbin:/sbin; exec 2>&1\n" + script]
        shell.standardOutput = output
        shell.standardInput = FileHandle.nullDevice
        try shell.run()
        let text = output.fileHandleForReading.readDataToEndOfFile()
        shell.waitUntilExit()
        guard shell.terminationStatus == 0 else {
            throw ServerStartFailure(description: String(decoding: text, as: UTF8.self))
        }
    }

    private static func configuration(_ folder: String, isReadable: Bool) -> String {
        """
        include /etc/ldap/schema/core.schema
        include /etc/ldap/schema/cosine.schema
        include /etc/ldap/schema/nis.schema
        include /etc/ldap/schema/inetorgperson.schema
        modulepath /usr/lib/ldap
        moduleload back_mdb
        moduleload ppolicy
        pidfile \(folder)/pid
        argsfile \(folder)/args
        TLSCACertificateFile \(folder)/ca.crt
        TLSCertificateFile \(folder)/slapd.crt
        TLSCertificateKeyFile \(folder)/slapd.key
        security simple_bind=128
        localSSF 256
        database mdb
        suffix \(suffix)
        rootdn cn=root,\(suffix)
        directory \(folder)/data
        index uid,memberUid,member,gidNumber,objectClass eq
        overlay ppolicy
        access to attrs=userPassword by anonymous auth
        access to * by dn.exact=\(readerDN) read by anonymous \(isReadable ? "read" : "auth")
        """ + "\n"
    }

    private static let top = """
        dn: \(suffix)
        objectClass: domain
        dc: maxwell

        dn: \(readerDN)
        objectClass: organizationalRole
        objectClass: simpleSecurityObject
        cn: reader
        userPassword: \(readerPassword)

        dn: ou=people,\(suffix)
        objectClass: organizationalUnit
        ou: people

        dn: ou=groups,\(suffix)
        objectClass: organizationalUnit
        ou: groups


        """
}

/// A port of 127.0.0.1 that nobody else has, kept until it is released; while it is kept it takes connections and
/// never says a word.
public final class FreePort: @unchecked Sendable {
    /// The port.
    public let number: UInt16
    private let descriptor: Int32

    /// Takes a free port and listens on it.
    public init() throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = descriptor
        let isBound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && listen(descriptor, 64) == 0
                    && getsockname(descriptor, $0, &length) == 0
            }
        }
        guard isBound else {
            throw ServerStartFailure(description: "no free port: \(String(cString: strerror(errno)))")
        }
        number = UInt16(bigEndian: address.sin_port)
    }

    /// Frees the port: connecting to it is refused from now on.
    public func release() { close(descriptor) }
}

import Foundation
import Testing
import ViewClient

/// TigerVNC's own viewer, with nothing but a name and the directory's password.
extension EndToEnd {
    @Test("TigerVNC's viewer shows a session for a name and a password, and tells that a password is wrong")
    func vncviewer() throws {
        try Gateway.withSession { number in
            let painter = try Gateway.viewer(number)
            try painter.paintTerminal(1)
            _ = try painter.frame { $0.count(of: red) > 10_000 }
            let screen = try Screen()
            defer { screen.close() }
            let password = try Gateway.setting("MAXWELL_ALICE_PASSWORD")
            let viewer = try screen.show(user: "alice+\(number)", password: password)
            try Gateway.eventually("the viewer shows the terminal's red") { try screen.pixels(of: red) > 10_000 }
            // Its handler of SIGTERM may wait for a lock that it holds itself.
            kill(viewer.processIdentifier, SIGKILL)
            viewer.waitUntilExit()
            let refused = try screen.show(user: "alice+\(number)", password: password + "x")
            try Gateway.eventually("the viewer gives up") { !refused.isRunning }
            let said = try String(contentsOf: screen.folder.appendingPathComponent("viewer.log"), encoding: .utf8)
            #expect(said.contains("The name or password is wrong"), "\(said)")
        }
    }
}

/// An Xvfb of the test's own, whose picture is a file (Xvfb(1), -fbdir).
private final class Screen {
    let folder: URL
    private let server = Process()
    private let display: String
    /// Starts a program that hears SIGTERM: a test's thread blocks every signal, and children inherit that.
    private static let unblocked = [
        "-c",
        "import os, signal, sys; signal.pthread_sigmask(signal.SIG_SETMASK, []); os.execvp(sys.argv[1], sys.argv[1:])",
    ]

    init() throws {
        folder = URL(fileURLWithPath: "/tmp/mwscreen-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let number = Pipe()
        server.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
        server.arguments =
            Screen.unblocked + ["Xvfb", "-displayfd", "1", "-screen", "0", "1280x1024x24", "-nolisten", "tcp"]
            + ["-fbdir", folder.path]
        server.standardOutput = number
        server.standardError = FileHandle.nullDevice
        try server.run()
        guard let line = try number.fileHandleForReading.read(upToCount: 16) else {
            throw Missing(description: "Xvfb ended at its start")
        }
        display = ":" + String(decoding: line, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }

    func show(user: String, password: String) throws -> Process {
        let log = folder.appendingPathComponent("viewer.log")
        _ = FileManager.default.createFile(atPath: log.path, contents: nil)
        let viewer = Process()
        viewer.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
        viewer.arguments =
            Screen.unblocked + ["vncviewer", "-X509CA=\(try Gateway.setting("MAXWELL_CA"))", "-AlertOnFatalError=0"]
            + ["-ReconnectOnError=0", "localhost::\(try Gateway.port)"]
        viewer.environment = [
            "DISPLAY": display, "HOME": folder.path, "PATH": "/usr/bin:/bin", "VNC_USERNAME": user,
            "VNC_PASSWORD": password,
        ]
        viewer.standardError = try FileHandle(forWritingTo: log)
        viewer.standardOutput = viewer.standardError
        try viewer.run()
        return viewer
    }

    /// How many pixels have the colour 0xRRGGBB. The file is an XWD (X11/XWDFile.h): a header whose first number is its
    /// length and whose twentieth the number of colour entries of 12 bytes, then the rows, 4 bytes a pixel.
    func pixels(of colour: UInt32) throws -> Int {
        let dump = [UInt8](try Data(contentsOf: folder.appendingPathComponent("Xvfb_screen0")))
        func number(_ index: Int) -> Int { dump[index * 4..<index * 4 + 4].reduce(0) { $0 << 8 | Int($1) } }
        guard dump.count > 100 else { return 0 }
        let start = number(0) + number(19) * 12
        let wanted = [UInt8(colour & 255), UInt8(colour >> 8 & 255), UInt8(colour >> 16 & 255)]
        return stride(from: start, to: dump.count - 3, by: 4).count { place in
            dump[place] == wanted[0] && dump[place + 1] == wanted[1] && dump[place + 2] == wanted[2]
        }
    }

    func close() {
        server.terminate()
        server.waitUntilExit()
        try? FileManager.default.removeItem(at: folder)
    }
}

import SessionModel
import SettingsFile
import Testing

@Suite("apps.d")
struct ApplicationFileTests {
    @Test("the samples load")
    func samples() throws {
        let files = try ApplicationFiles.load(folder: sampleFolder + "/apps.d", timeout: .seconds(60))
        #expect(files.map(\.name.text) == ["gnuplot", "xclock", "xterm"])
        #expect(files.allSatisfy { $0.timeout == 60 && $0.network == .none && $0.limits == nil })
    }

    @Test("an application has the defaults for what its file leaves out")
    func defaults() throws {
        let file = try ApplicationFile.parse("name: a\ncommand: b -c\n", file: "a.yaml", timeout: .seconds(86400))
        #expect(file == Application(name: try ApplicationName("a"), title: "a", command: "b -c"))
    }

    @Test("everything an application can ask for is read")
    func everything() throws {
        let text = """
            {name: a, command: b, title: A, geometry: 800x600, depth: 16, timeout: 10m, gl: true, groups: [x, y],
             network: {allow: [hub:443, "10.1.2.3:830", "[2001:db8::1]:53/udp"]}, user_namespaces: true,
             limits: {memory: 2G, cpu: 1.5, processes: 20, wall_time: 8h}, rootfs: /srv/tree}
            """
        let application = try ApplicationFile.parse(
            text, file: "a.yaml", timeout: .seconds(1), limits: ResourceLimits(files: 100))
        let targets = ["hub:443", "10.1.2.3:830", "[2001:db8::1]:53/udp"].compactMap(NetworkTarget.init)
        #expect(
            application
                == Application(
                    name: try ApplicationName("a"), title: "A", command: "b",
                    geometry: try Geometry(width: 800, height: 600), depth: 16, timeout: 600, needsGL: true,
                    groups: ["x", "y"],
                    limits: ResourceLimits(memory: 2048, cpu: 150, processes: 20, files: 100, wallTime: 8 * 3600),
                    network: .allow(targets), tree: .folder("/srv/tree"), mayMakeUserNamespaces: true))
    }

    @Test(
        "a network, a limit and a tree that are none are refused with what was expected",
        arguments: [
            ("network: outbound", "network: expected none, open, or {allow: [host:port, …]}, found outbound"),
            ("network: {allow: [hub]}", "network.allow: expected host:port, or host:port/udp, found hub"),
            ("network: {deny: [a:1]}", "network.deny: unknown key"),
            (
                "limits: {memory: 1.5G}",
                "limits.memory: expected a size such as 512M or 4G, or 0 for no limit, found 1.5G"
            ),
            ("limits: {files: 1}", "limits.files: expected 64-1048576, found 1"),
            ("rootfs: /", "rootfs: expected an absolute path, found /"),
            ("rootfs: /a\nimage: b", "image: rootfs is given already"),
            ("image: -x", "image: expected an image's name such as localhost/tools:2, found -x"),
        ])
    func mistakenWish(line: String, problem: String) {
        #expect {
            _ = try ApplicationFile.parse("name: a\ncommand: b\n\(line)\n", file: "a.yaml", timeout: .seconds(1))
        } throws: { error in
            (error as? SettingsErrors)?.mistakes.map(\.problem) == [problem]
        }
    }

    @Test("how many sessions an application may have is its file's own number, 0 too", arguments: [0, 1, 1_000_000])
    func mostSessions(count: Int) throws {
        let text = "name: a\ncommand: b\n"
        let file = try ApplicationFile.parse(
            text + "most_sessions: \(count)\n", file: "a.yaml", timeout: .seconds(1))
        #expect(file.mostSessions == count)
        #expect(try ApplicationFile.parse(text, file: "a.yaml", timeout: .seconds(1)).mostSessions == nil)
    }

    @Test(
        "how old a session of an application may become is its file's own age, 0 for never",
        arguments: [("0", 0), ("0s", 0), ("90s", 90), ("7d", 7 * 86400)])
    func maximumAge(text: String, seconds: Int) throws {
        let plain = "name: a\ncommand: b\n"
        let file = try ApplicationFile.parse(
            plain + "maximum_age: \(text)\n", file: "a.yaml", timeout: .seconds(1))
        #expect(file.maximumAge == seconds)
        #expect(try ApplicationFile.parse(plain, file: "a.yaml", timeout: .seconds(1)).maximumAge == nil)
    }

    @Test("every mistake is told at once, each with its line")
    func mistakes() {
        do {
            _ = try ApplicationFile.parse(
                "name: ../a\ncomand: x\ndepth: 32\ngeometry: big\ntimeout: 500ms\nmost_sessions: -1\nmaximum_age: 1\n",
                file: "apps.d/a.yaml",
                timeout: .seconds(1))
            Issue.record("taken")
        } catch {
            #expect(
                error.mistakes.map(\.description) == [
                    "apps.d/a.yaml:1: command: missing, expected a command line",
                    "apps.d/a.yaml:1: name: expected an application name, found ../a",
                    "apps.d/a.yaml:2: comand: unknown key, did you mean command?",
                    "apps.d/a.yaml:3: depth: expected 8, 16 or 24, found 32",
                    "apps.d/a.yaml:4: geometry: expected a geometry such as 1024x768, found big",
                    "apps.d/a.yaml:5: timeout: expected a time of 1s or more such as 10m or 24h, found 500ms",
                    "apps.d/a.yaml:6: most_sessions: expected 0-1000000, found -1",
                    "apps.d/a.yaml:7: maximum_age: expected a time of 1s or more such as 12h or 7d, or 0s for no limit, "
                        + "found 1",
                ])
        }
    }

    @Test("the mistakes of all files are told, one name twice among them")
    func folder() throws {
        let folder = try ScratchFolder()
        try folder.write("name: one\ncommand: x\n", to: "a.yaml")
        try folder.write("name: one\ncommand: y\n", to: "b.yaml")
        try folder.write("", to: "c.yaml")
        try folder.write("not read", to: "README")
        try folder.write("not read", to: ".hidden.yaml")
        do {
            _ = try ApplicationFiles.load(folder: folder.path, timeout: .seconds(1))
            Issue.record("taken")
        } catch {
            let label = folder.path.split(separator: "/").last ?? ""
            #expect(
                error.mistakes.map(\.description) == [
                    "\(label)/b.yaml: name: one is described in \(label)/a.yaml already",
                    "\(label)/c.yaml: command: missing, expected a command line",
                    "\(label)/c.yaml: name: missing, expected an application name",
                ])
        }
    }
}

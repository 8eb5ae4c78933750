import Glibc
import SessionModel

/// An application as a file of `apps.d` describes it.
public enum ApplicationFile {
    /// Reads `text`, throwing every mistake at once; `file` is what the mistakes call it, `timeout` and `limits` what holds
    /// for an application that names none.
    public static func parse(
        _ text: String, file: String, timeout: Duration, limits: ResourceLimits = .standard
    ) throws(SettingsErrors) -> Application {
        let findings = Findings(file: file)
        var section = Section(compose(text, findings: findings), at: "", findings: findings)
        if !findings.mistakes.isEmpty { throw SettingsErrors(findings.mistakes) }
        let name = section.required("name", expected: ApplicationName.expected) { try? ApplicationName($0) }
        let command = section.required("command", expected: "a command line") { text in
            text.contains("\0") || text.allSatisfy(\.isWhitespace) ? nil : text
        }
        let title = section.optional("title", nil, expected: "one line of text") { isLine($0) ? $0 : nil }
        let geometry = section.value("geometry", Geometry.usual, expected: "a geometry such as 1024x768") {
            try? Geometry($0)
        }
        let depth = section.value("depth", 24, expected: "8, 16 or 24") { text in
            [8, 16, 24].first { String($0) == text }
        }
        let time = section.seconds("timeout", timeout)
        let maximumAge = section.age("maximum_age")
        let needsGL = section.truth("gl", false)
        let groups = section.list("groups", [], expected: "a group's name") { isLine($0) ? $0 : nil }
        let mostSessions = section.optional("most_sessions", nil, expected: "0-1000000") {
            number($0, in: 0...1_000_000)
        }
        let limited = section.gives("limits")
        let wanted = ResourceLimits(reading: section.section("limits"), standard: limits)
        let network = NetworkPolicy(reading: &section)
        let tree = SystemTree(reading: &section)
        let mayMakeUserNamespaces = section.truth("user_namespaces", false)
        section.finish()
        guard findings.mistakes.isEmpty, let name, let command else { throw SettingsErrors(findings.mistakes) }
        return Application(
            name: name, title: title ?? name.text, command: command, geometry: geometry, depth: depth,
            timeout: Int(time.components.seconds), needsGL: needsGL, groups: groups, mostSessions: mostSessions,
            maximumAge: maximumAge.map { Int($0.components.seconds) }, limits: limited ? wanted : nil,
            network: network, tree: tree, mayMakeUserNamespaces: mayMakeUserNamespaces)
    }
}

/// The applications of a folder, one YAML file each.
public enum ApplicationFiles {
    /// Reads every `*.yaml` of `folder` in the order of their names, throwing the mistakes of all of them at once, two
    /// files of one application's name included. Hidden files are passed over.
    public static func load(
        folder: String, timeout: Duration, limits: ResourceLimits = .standard
    ) throws(SettingsErrors) -> [Application] {
        let label = folder.split(separator: "/").last.map(String.init) ?? folder
        let names = try names(in: folder)
        var mistakes: [Mistake] = []
        var files: [Application] = []
        var origin: [ApplicationName: String] = [:]
        for name in names {
            let file = "\(label)/\(name)"
            do throws(UnreadableFile) {
                let text = try readText(path: "\(folder)/\(name)")
                do throws(SettingsErrors) {
                    let read = try ApplicationFile.parse(text, file: file, timeout: timeout, limits: limits)
                    if let other = origin.updateValue(file, forKey: read.name) {
                        let problem = "name: \(read.name) is described in \(other) already"
                        mistakes.append(Mistake(file: file, line: nil, problem: problem))
                    }
                    files.append(read)
                } catch {
                    mistakes += error.mistakes
                }
            } catch {
                mistakes.append(Mistake(file: file, line: nil, problem: error.problem))
            }
        }
        if !mistakes.isEmpty { throw SettingsErrors(mistakes) }
        return files
    }

    /// What tells whether a file of the folder came, went or changed since: every name with its inode, size and time.
    public static func mark(of folder: String) throws(SettingsErrors) -> String {
        try names(in: folder).map { name in
            var status = stat()
            guard stat("\(folder)/\(name)", &status) == 0 else { return name }
            return "\(name) \(status.st_ino) \(status.st_size) \(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)"
        }.joined(separator: "\n")
    }

    /// The folder's `*.yaml` by name, without hidden ones.
    private static func names(in folder: String) throws(SettingsErrors) -> [String] {
        guard let listing = opendir(folder) else {
            let problem = "cannot be read: \(String(cString: strerror(errno)))"
            throw SettingsErrors([Mistake(file: folder, line: nil, problem: problem)])
        }
        defer { closedir(listing) }
        var names: [String] = []
        while let entry = readdir(listing) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name.hasSuffix(".yaml"), !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted()
    }
}

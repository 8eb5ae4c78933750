import SessionModel

extension ResourceLimits {
    /// The section `limits` of the settings or of an application's file: `standard` where it says nothing.
    init(reading section: Section, standard: ResourceLimits) {
        var section = section
        self.init()
        memory = section.size("memory", standard.memory)
        cpu = section.value("cpu", standard.cpu, expected: "a number of cores such as 2 or 0.5, or 0 for no limit") {
            decimal($0, in: 0...10_000).map { Int(($0 * 100).rounded(.up)) }
        }
        cpuShare = section.number("cpu_share", standard.cpuShare, in: 1...10_000)
        processes = section.number("processes", standard.processes, in: 0...1_000_000)
        files = section.number("files", standard.files, in: 64...1_048_576)
        temporary = section.size("temporary", standard.temporary, orNone: false)
        wallTime = section.age("wall_time").map { Int($0.components.seconds) } ?? standard.wallTime
        section.finish()
    }
}

extension NetworkPolicy {
    /// The key `network` of an application's file: `none`, `open`, or `{allow: […]}`.
    init(reading file: inout Section) {
        guard file.isSection("network") else {
            self = file.value("network", .none, expected: "none, open, or {allow: [host:port, …]}") { text in
                switch text {
                case "none": NetworkPolicy.none
                case "open": .open
                default: nil
                }
            }
            return
        }
        var section = file.section("network")
        let targets = section.list("allow", [], expected: "host:port, or host:port/udp", NetworkTarget.init)
        section.finish()
        self = targets.isEmpty ? .none : .allow(targets)
    }
}

extension SystemTree {
    /// The keys `rootfs` and `image` of an application's file, of which one may be given.
    init(reading file: inout Section) {
        let folder = file.optional("rootfs", nil, expected: "an absolute path") { $0 == "/" ? nil : absolutePath($0) }
        let image = file.optional("image", nil, expected: "an image's name such as localhost/tools:2") {
            isWord($0) && !$0.hasPrefix("-") && $0.utf8.count <= 255 ? $0 : nil
        }
        if folder != nil, image != nil { file.note("image", "rootfs is given already") }
        self = folder.map { .folder($0) } ?? image.map { .image($0) } ?? .host
    }
}

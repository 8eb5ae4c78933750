/// Where the build put our own program `name`: beside the test bundle.
public func builtProgram(_ name: String) -> String {
    for argument in CommandLine.arguments where argument.hasSuffix(".xctest") {
        return argument.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 } + "/" + name
    }
    return ".build/debug/" + name
}

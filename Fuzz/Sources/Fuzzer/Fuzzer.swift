/// What every fuzz target has in common.
public enum Fuzzer {
    /// Runs libFuzzer with this program's arguments: `one` gets an input, and a trap in it is a find.
    public static func run(_ one: @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32) {
        var count = CommandLine.argc
        var arguments = CommandLine.unsafeArgv
        _ = drive(&count, &arguments, one)
    }

    /// A find when it does not hold; unlike `precondition` an optimised program says which.
    public static func check(_ holds: Bool, _ what: StaticString) {
        if !holds { fatalError("\(what)") }
    }

    /// The bytes libFuzzer hands over.
    public static func bytes(_ start: UnsafePointer<UInt8>?, _ count: Int) -> [UInt8] {
        Array(UnsafeBufferPointer(start: start, count: count))
    }

    /// `bytes` cut into pieces whose lengths follow from `seed`; with 0 every byte is one.
    public static func pieces(of bytes: some Collection<UInt8>, seed: UInt8) -> [[UInt8]] {
        var pieces: [[UInt8]] = []
        var rest = Array(bytes)[...]
        var state = UInt32(seed)
        while !rest.isEmpty {
            state = state &* 1_664_525 &+ (seed == 0 ? 0 : 1_013_904_223)
            let length = seed == 0 ? 1 : Int(state >> 16) % Int(seed) + 1
            pieces.append(Array(rest.prefix(length)))
            rest = rest.dropFirst(length)
        }
        return pieces
    }
}

/// libFuzzer's own entry ("Using libFuzzer as a library", https://llvm.org/docs/LibFuzzer.html).
@_silgen_name("LLVMFuzzerRunDriver")
private func drive(
    _ count: UnsafeMutablePointer<Int32>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ one: @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32
) -> Int32

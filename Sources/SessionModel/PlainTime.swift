/// Seconds as people write them: `45s`, `10m`, `1h20m`, `3d4h`; at most two units.
public func plainTime(_ seconds: Int) -> String {
    let units = [("d", 86400), ("h", 3600), ("m", 60), ("s", 1)]
    let rest = max(0, seconds)
    guard let first = units.firstIndex(where: { rest >= $0.1 }) else { return "0s" }
    let (name, size) = units[first]
    let head = "\(rest / size)\(name)"
    guard first + 1 < units.count, rest % size >= units[first + 1].1 else { return head }
    return head + "\(rest % size / units[first + 1].1)\(units[first + 1].0)"
}

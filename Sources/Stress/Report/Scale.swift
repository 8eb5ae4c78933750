/// Values on an axis: from the lowest to the highest tick.
struct Scale {
    let ticks: [Double]
    private let low: Double
    private let high: Double
    private let isLogarithmic: Bool

    /// From 0 to at least `most`, with three to six round ticks.
    init(upTo most: Double) {
        let most = most.isFinite && most > 0 ? most : 1
        var unit = 1.0
        while unit * 10 <= most { unit *= 10 }
        while unit > most { unit /= 10 }
        let step = [0.2, 0.25, 0.5, 1, 2, 2.5].map { $0 * unit }.first { most / $0 <= 5 } ?? unit * 2.5
        var count = 1
        while Double(count) * step < most * 0.999999 { count += 1 }
        ticks = (0...count).map { Double($0) * step }
        low = 0
        high = Double(count) * step
        isLogarithmic = false
    }

    /// Powers of ten around `values`, which are above 0.
    init(logarithmic values: [Double]) {
        let least = max(values.min() ?? 0.001, 1e-6)
        let most = max(values.max() ?? 1, least)
        var low = 1.0
        while low > least { low /= 10 }
        while low * 10 <= least { low *= 10 }
        var high = low * 10
        while high < most { high *= 10 }
        var ticks = [low]
        while let last = ticks.last, last * 9 < high { ticks.append(last * 10) }
        self.ticks = ticks
        self.low = low
        self.high = high
        isLogarithmic = true
    }

    /// Moments of a run of so many seconds; its end is the axis' end.
    init(time seconds: Double) {
        let length = seconds.isFinite && seconds > 0 ? seconds : 1
        let steps = [1.0, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400]
        let step = steps.first { length / $0 <= 7 } ?? 172_800
        ticks = (0...Int(length / step)).map { Double($0) * step }
        low = 0
        high = length
        isLogarithmic = false
    }

    /// Where `value` is, from 0 for the lowest to 1.
    func place(_ value: Double) -> Double {
        guard value.isFinite, high > low else { return 0 }
        let place =
            isLogarithmic
            ? (logarithm(max(value, low)) - logarithm(low)) / (logarithm(high) - logarithm(low))
            : (value - low) / (high - low)
        return min(max(place, 0), 1)
    }
}

/// The binary logarithm of a number above 0, to a millionth: enough for a picture, and nothing to import.
private func logarithm(_ number: Double) -> Double {
    var result = Double(number.exponent)
    var rest = number.significand
    var bit = 0.5
    while bit > 1e-6 {
        rest *= rest
        if rest >= 2 {
            rest /= 2
            result += bit
        }
        bit /= 2
    }
    return result
}

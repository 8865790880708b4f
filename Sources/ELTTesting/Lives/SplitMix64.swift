/// A small generator of random numbers: the same seed gives the same life on every machine, for ever.
///
/// Sebastiano Vigna, https://prng.di.unimi.it/splitmix64.c (public domain).
package struct SplitMix64: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// A number from 0 up to but not including `bound`.
    ///
    /// Written out because how the standard library maps bits to ranges isn't promised to stay.
    package mutating func below(_ bound: Int) -> Int {
        precondition(bound > 0, "a range has at least one number")
        return Int(next() >> 11) % bound
    }

    package mutating func within(_ range: ClosedRange<Int>) -> Int {
        range.lowerBound + below(range.upperBound - range.lowerBound + 1)
    }

    /// True once in `count` times.
    package mutating func once(in count: Int) -> Bool { below(count) == 0 }

    package mutating func one<T>(of choices: [T]) -> T { choices[below(choices.count)] }
}

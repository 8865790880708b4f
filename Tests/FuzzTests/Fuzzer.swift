import ELTTesting
import Foundation
import Testing

/// Feeds mutations of good inputs to a parser. What it may do is take or refuse them: it may not end
/// the process, and not think for longer than a second.
///
/// `ELT_FUZZ` is the number of inputs for each parser, `ELT_FUZZ_SEED` the seed; it's printed, and the
/// same seed gives the same inputs. The input at hand lies in a file, which is named at the start: it's
/// there to be looked at where a parser ends the process. `ELT_FUZZ_INPUT` names such a file, to be the only input.
struct Fuzzer {
    let name: String
    let samples: [[UInt8]]
    let words: [[UInt8]]

    init(_ name: String, samples: [String], words: [String]) {
        self.name = name
        self.samples = samples.map { Array($0.utf8) }
        self.words = (words + Self.numbers).map { Array($0.utf8) } + Self.bytes
    }

    private static let numbers = [
        "0", "-0", "-1", "1e999", "1e-999", "2147483648", "-2147483649", "9007199254740993", "9223372036854775807",
        "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "18446744073709551616", "0.1",
        "99999999999999999999999999999999999999", "1E400", "\\u0000", "\\ud800", "\\udc00\\ud800", "\u{FEFF}", "\u{2028}",
    ]
    private static let bytes: [[UInt8]] = [
        [0], [0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xE2, 0x82], [0x1B, 0x5B], [10], [13, 10],
    ]

    static let count = ProcessInfo.processInfo.environment["ELT_FUZZ"].flatMap(Int.init) ?? 4000
    static let seed = ProcessInfo.processInfo.environment["ELT_FUZZ_SEED"].flatMap(UInt64.init)
        ?? UInt64.random(in: 0..<1_000_000_000)

    static let onlyInput = ProcessInfo.processInfo.environment["ELT_FUZZ_INPUT"]

    func run(_ parse: ([UInt8], inout SplitMix64) throws -> Void) throws {
        var numbers = SplitMix64(seed: Self.seed)
        if let path = Self.onlyInput {
            time("\(path)", try [UInt8](Data(contentsOf: URL(filePath: path))), &numbers, parse)
            return
        }
        let path = FileManager.default.temporaryDirectory.appending(path: "elt-fuzz-\(name)-\(getpid())").path
        print("fuzz \(name): seed \(Self.seed), \(Self.count) inputs; the one at hand is in \(path)")
        let file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        try #require(file >= 0)
        defer {
            close(file)
            unlink(path)
        }
        for index in 0..<Self.count {
            let input = mutated(&numbers)
            _ = input.withUnsafeBytes { pwrite(file, $0.baseAddress, $0.count, 0) }
            ftruncate(file, off_t(input.count))
            time("input \(index) of seed \(Self.seed)", input, &numbers, parse)
        }
    }

    private func time(
        _ place: String, _ input: [UInt8], _ numbers: inout SplitMix64, _ parse: ([UInt8], inout SplitMix64) throws -> Void
    ) {
        let begun = Self.threadSeconds()
        // A refusal is as good an answer as any.
        try? parse(input, &numbers)
        let took = Self.threadSeconds() - begun
        if took > 1 { Issue.record("\(name), \(place) took \(took) s: \(Data(input).base64EncodedString())") }
    }

    /// What this thread has computed so far: a parser waits for nothing, and a busy machine isn't its fault.
    private static func threadSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    private func mutated(_ numbers: inout SplitMix64) -> [UInt8] {
        var bytes = numbers.one(of: samples)
        for _ in 0..<numbers.within(1...6) {
            let at = numbers.within(0...bytes.count)
            let end = min(bytes.count, at + numbers.within(0...12))
            switch numbers.below(9) {
            case 0: if at < bytes.count { bytes[at] = UInt8(truncatingIfNeeded: numbers.next()) }
            case 1: if at < bytes.count { bytes[at] ^= 1 << UInt8(numbers.below(8)) }
            case 2: bytes.removeSubrange(at..<end)
            case 3: bytes.insert(contentsOf: numbers.one(of: words), at: at)
            case 4: bytes.replaceSubrange(at..<end, with: numbers.one(of: words))
            case 5: bytes.insert(contentsOf: bytes[at..<end], at: numbers.within(0...bytes.count))
            case 6: bytes.removeSubrange(at...)
            case 7:
                let other = numbers.one(of: samples)
                bytes.replaceSubrange(at..., with: other[numbers.within(0...other.count)...])
            default:
                let word = numbers.one(of: words)
                bytes.insert(contentsOf: Array(repeatElement(word, count: numbers.within(2...400)).joined()), at: at)
            }
        }
        return bytes
    }
}

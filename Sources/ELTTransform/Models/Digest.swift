/// A stable fingerprint of texts: FNV-1a with 128 bits.
///
/// It tells whether a model changed since its table was built. Nobody gains anything from a
/// collision, so it needn't be cryptographic.
struct Digest {
    private var state: UInt128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d
    private static let prime: UInt128 = 0x0000_0000_0100_0000_0000_0000_0000_013B

    /// Adds a part. Its length goes first, so that `ab`+`c` and `a`+`bc` differ.
    mutating func add(_ text: String) {
        for byte in "\(text.utf8.count):".utf8 { add(byte) }
        for byte in text.utf8 { add(byte) }
    }

    private mutating func add(_ byte: UInt8) {
        state ^= UInt128(byte)
        state &*= Self.prime
    }

    /// 32 hex digits.
    var text: String {
        let digits = String(state, radix: 16)
        return String(repeating: "0", count: 32 - digits.count) + digits
    }

    static func of(_ text: String) -> String {
        var digest = Digest()
        digest.add(text)
        return digest.text
    }
}

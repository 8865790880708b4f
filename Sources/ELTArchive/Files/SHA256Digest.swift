import CCrypto

/// SHA-256 of bytes that come piece by piece.
final class SHA256Digest {
    private let context: OpaquePointer

    init() {
        guard let context = EVP_MD_CTX_new() else { preconditionFailure("no memory for a digest") }
        self.context = context
        precondition(EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1, "libcrypto has no SHA-256")
    }

    deinit { EVP_MD_CTX_free(context) }

    func update(_ bytes: UnsafeRawBufferPointer) {
        precondition(EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) == 1, "SHA-256 failed")
    }

    /// 64 hex digits; then it begins anew.
    func finish() -> String {
        let sum = withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 32) { sum in
            precondition(EVP_DigestFinal_ex(context, sum.baseAddress, nil) == 1, "SHA-256 failed")
            return hexadecimal(sum)
        }
        precondition(EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1, "libcrypto has no SHA-256")
        return sum
    }

    private func hexadecimal(_ bytes: UnsafeMutableBufferPointer<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(unsafeUninitializedCapacity: bytes.count * 2) { text in
            for (index, byte) in bytes.enumerated() {
                text[index * 2] = digits[Int(byte >> 4)]
                text[index * 2 + 1] = digits[Int(byte & 15)]
            }
            return bytes.count * 2
        }
    }
}

func sha256(_ bytes: UnsafeRawBufferPointer) -> String {
    let digest = SHA256Digest()
    digest.update(bytes)
    return digest.finish()
}

func sha256(_ text: String) -> String {
    var text = text
    return text.withUTF8 { sha256(UnsafeRawBufferPointer($0)) }
}

extension OpenFile {
    /// Of the whole file.
    func sha256() throws(ArchiveError) -> String {
        let digest = SHA256Digest()
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)
        defer { buffer.deallocate() }
        var offset: Int64 = 0
        while true {
            let count = try read(at: offset, into: buffer)
            digest.update(UnsafeRawBufferPointer(rebasing: buffer.prefix(count)))
            offset += Int64(count)
            if count < buffer.count { return digest.finish() }
        }
    }
}

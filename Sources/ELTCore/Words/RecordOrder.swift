/// The place of a record among all records of its key (semantics, section 3), as bytes that compare
/// the way the order does.
///
/// Epoch, kind (absence < full-load row < event), effective time, rank of the operation, rank of the
/// topic in the configuration, incarnation, partition, offset. Up to and including the topic's rank
/// two equal records are a tie.
package struct RecordOrder {
    package enum Kind: UInt8, Sendable {
        /// A full load that takes part says of each key that was there before: gone, unless I list it.
        case absence = 0
        case fullLoad = 1
        case event = 2
    }

    package static let byteCount = 30
    /// The bytes in which a tie is equal.
    package static let tieByteCount = 16

    package var epoch: Int
    package var kind: Kind
    package var time: Int64
    package var operationRank: Int
    package var topicRank: Int
    package var partition: Int32
    package var incarnation: Int
    /// For a full-load row its place in the listing: a later page beats an earlier one.
    package var offset: Int64

    package init(
        epoch: Int, kind: Kind, time: Int64, operationRank: Int, topicRank: Int, partition: Int32,
        incarnation: Int, offset: Int64
    ) {
        self.epoch = epoch
        self.kind = kind
        self.time = time
        self.operationRank = operationRank
        self.topicRank = topicRank
        self.partition = partition
        self.incarnation = incarnation
        self.offset = offset
    }

    package static func fullLoad(epoch: Int, row: Int64) -> RecordOrder {
        RecordOrder(
            epoch: epoch, kind: .fullLoad, time: 0, operationRank: 0, topicRank: 0, partition: 0, incarnation: 0,
            offset: row)
    }

    package static func absence(epoch: Int) -> RecordOrder {
        RecordOrder(
            epoch: epoch, kind: .absence, time: 0, operationRank: 0, topicRank: 0, partition: 0, incarnation: 0,
            offset: 0)
    }

    /// Writes exactly `byteCount` bytes.
    @inline(__always) package func write(to out: UnsafeMutableRawPointer) {
        out.storeBytes(of: UInt32(truncatingIfNeeded: epoch).bigEndian, as: UInt32.self)
        out.storeBytes(of: kind.rawValue, toByteOffset: 4, as: UInt8.self)
        out.storeBytes(of: (UInt64(bitPattern: time) ^ (1 << 63)).bigEndian, toByteOffset: 5, as: UInt64.self)
        out.storeBytes(of: UInt8(truncatingIfNeeded: operationRank), toByteOffset: 13, as: UInt8.self)
        out.storeBytes(of: UInt16(truncatingIfNeeded: topicRank).bigEndian, toByteOffset: 14, as: UInt16.self)
        out.storeBytes(of: UInt16(truncatingIfNeeded: incarnation).bigEndian, toByteOffset: 16, as: UInt16.self)
        out.storeBytes(of: UInt32(bitPattern: partition).bigEndian, toByteOffset: 18, as: UInt32.self)
        out.storeBytes(of: UInt64(bitPattern: offset).bigEndian, toByteOffset: 22, as: UInt64.self)
    }

    /// The order that bytes mean, as `write` made them.
    package init(_ bytes: UnsafeRawBufferPointer) {
        precondition(bytes.count == Self.byteCount, "an order has \(Self.byteCount) bytes")
        epoch = Int(UInt32(bigEndian: bytes.loadUnaligned(as: UInt32.self)))
        kind = Kind(rawValue: bytes[4]) ?? .event
        time = Int64(bitPattern: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 5, as: UInt64.self)) ^ (1 << 63))
        operationRank = Int(bytes[13])
        topicRank = Int(UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 14, as: UInt16.self)))
        incarnation = Int(UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 16, as: UInt16.self)))
        partition = Int32(bitPattern: UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 18, as: UInt32.self)))
        offset = Int64(bitPattern: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 22, as: UInt64.self)))
    }
}

/// What a Kafka timestamp says.
package enum TimestampType: String, Sendable {
    case create, append, none
}

package struct Header: Hashable, Sendable {
    package let name: String
    package let value: [UInt8]?
    package init(name: String, value: [UInt8]?) {
        self.name = name
        self.value = value
    }
}

/// One message as the broker gave it, borrowed: the bytes are valid during the call that brings it.
package struct ChangeView {
    package let offset: Int64
    /// Milliseconds since 1970; -1 where the message has none.
    package let timestamp: Int64
    package let timestampType: TimestampType
    package let key: UnsafeRawBufferPointer?
    package let value: UnsafeRawBufferPointer?
    package let headers: [Header]

    package init(
        offset: Int64, timestamp: Int64, timestampType: TimestampType,
        key: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer?, headers: [Header] = []
    ) {
        self.offset = offset
        self.timestamp = timestamp
        self.timestampType = timestampType
        self.key = key
        self.value = value
        self.headers = headers
    }
}

/// One message, owned.
package struct Change: Hashable, Sendable {
    package var offset: Int64
    package var timestamp: Int64
    package var timestampType: TimestampType
    package var key: [UInt8]?
    package var value: [UInt8]?
    package var headers: [Header]

    package init(
        offset: Int64, timestamp: Int64, timestampType: TimestampType = .create,
        key: [UInt8]?, value: [UInt8]?, headers: [Header] = []
    ) {
        self.offset = offset
        self.timestamp = timestamp
        self.timestampType = timestampType
        self.key = key
        self.value = value
        self.headers = headers
    }

    package init(copying view: ChangeView) {
        self.init(
            offset: view.offset, timestamp: view.timestamp, timestampType: view.timestampType,
            key: view.key.map(Array.init), value: view.value.map(Array.init), headers: view.headers)
    }

    package func withView<T>(_ body: (ChangeView) throws -> T) rethrows -> T {
        func borrow<R>(_ bytes: [UInt8]?, _ body: (UnsafeRawBufferPointer?) throws -> R) rethrows -> R {
            guard let bytes else { return try body(nil) }
            return try bytes.withUnsafeBytes { buffer in
                // An empty array may have no address, and empty is not null here.
                try body(buffer.baseAddress == nil ? UnsafeRawBufferPointer(start: Self.somewhere, count: 0) : buffer)
            }
        }
        return try borrow(key) { key in
            try borrow(value) { value in
                try body(
                    ChangeView(
                        offset: offset, timestamp: timestamp, timestampType: timestampType,
                        key: key, value: value, headers: headers))
            }
        }
    }

    nonisolated(unsafe) private static let somewhere = UnsafeRawPointer(bitPattern: 16)!
}

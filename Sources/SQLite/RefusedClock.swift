import CSQLite

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The system's file layer with a clock that doesn't tell the time.
///
/// SQLite asks its file layer what time it is, wherever `now` comes from: a word, an expression that
/// makes the word, a function without arguments, a default, a value in a column. So here nothing is
/// missed that a look at the SQL would miss. SQLite takes a refusal for null; whoever runs statements
/// asks afterwards whether the clock was asked.
package enum RefusedClock {
    /// How often statements on this thread have asked what time it is.
    package static var reads: Int { Int(bitPattern: pthread_getspecific(counter)) }

    /// The name under which SQLite knows the layer; nil where there's no layer to copy.
    static let layer: String? = {
        guard let system = sqlite3_vfs_find(nil) else { return nil }
        let copy = UnsafeMutablePointer<sqlite3_vfs>.allocate(capacity: 1)
        copy.initialize(to: system.pointee)
        copy.pointee.zName = UnsafePointer(strdup("elt-without-clock"))
        copy.pointee.pNext = nil
        copy.pointee.xCurrentTime = { _, _ in refuse() }
        copy.pointee.xCurrentTimeInt64 = { _, _ in refuse() }
        return sqlite3_vfs_register(copy, 0) == SQLITE_OK ? "elt-without-clock" : nil
    }()

    private static func refuse() -> Int32 {
        pthread_setspecific(counter, UnsafeRawPointer(bitPattern: reads + 1))
        return SQLITE_ERROR
    }

    /// A count for each thread: connections belong to one thread.
    private static let counter: pthread_key_t = {
        var key = pthread_key_t()
        pthread_key_create(&key, nil)
        return key
    }()
}

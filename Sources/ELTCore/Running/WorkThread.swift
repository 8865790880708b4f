#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A thread for a part of the work. Foundation's doesn't tell when there's none to be had, and whoever waits for it
/// would wait for ever.
package enum WorkThread {
    /// Deeply nested JSON may be walked on it.
    package static let stackBytes = 8 << 20

    private final class Work {
        let body: () -> Void
        init(_ body: @escaping () -> Void) { self.body = body }
    }

    /// Runs `body` on a new thread, which ends with it. Errors: `WorkThreadError`.
    package static func start(stackBytes: Int = Self.stackBytes, _ body: @escaping () -> Void) throws {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        var result = pthread_attr_setstacksize(&attributes, stackBytes)
        let work = Unmanaged.passRetained(Work(body))
        if result == 0 {
            #if canImport(Glibc)
                var thread = pthread_t()
                result = pthread_create(
                    &thread, &attributes,
                    { work in
                        if let work { Unmanaged<Work>.fromOpaque(work).takeRetainedValue().body() }
                        return nil
                    }, work.toOpaque())
            #else
                var thread: pthread_t?
                result = pthread_create(
                    &thread, &attributes,
                    { work in
                        Unmanaged<Work>.fromOpaque(work).takeRetainedValue().body()
                        return nil
                    }, work.toOpaque())
            #endif
        }
        guard result == 0 else {
            work.release()
            throw WorkThreadError.refused(String(cString: strerror(result)))
        }
    }
}

package enum WorkThreadError: ELTError, Equatable {
    case refused(String)

    package var code: String { "process.no-thread" }
    package var kind: ErrorKind { .failed }
    package var problem: String {
        switch self {
        case .refused(let reason): "The system gives the program no further thread: \(reason)."
        }
    }
    package var remedy: String {
        "Nothing was published. Raise the limits of processes and memory (ulimit -u and -v, the container's pids and memory), then run it again."
    }
}

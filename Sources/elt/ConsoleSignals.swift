import ELTCore

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// SIGINT and SIGTERM ask for an end at the next safe point; a second one ends the program at once.
enum ConsoleSignals {
    static func install() {
        // A reader that goes away is an error of `write` and not the death of a run.
        signal(SIGPIPE, SIG_IGN)
        // A file that may grow no further is told by the write.
        signal(SIGXFSZ, SIG_IGN)
        // The flag's storage is made here, at its first use, so that the handler only has to set it.
        _ = Interruption.isRequested
        // Whoever starts us may have them blocked, and a blocked signal never comes.
        var asked = sigset_t()
        sigemptyset(&asked)
        for number in [SIGINT, SIGTERM] { sigaddset(&asked, number) }
        pthread_sigmask(SIG_UNBLOCK, &asked, nil)
        for number in [SIGINT, SIGTERM] {
            var action = sigaction()
            #if canImport(Glibc)
                action.__sigaction_handler.sa_handler = handle
            #else
                action.__sigaction_u.__sa_handler = handle
            #endif
            sigemptyset(&action.sa_mask)
            // Files are written with plain calls that must not end half-way; waiting has its own limits.
            action.sa_flags = SA_RESTART
            sigaction(number, &action, nil)
        }
    }
}

/// Only what's allowed in a handler: an atomic flag and `_exit`.
private func handle(_ number: Int32) {
    if Interruption.isRequested { _exit(128 + number) }
    Interruption.request(number)
}

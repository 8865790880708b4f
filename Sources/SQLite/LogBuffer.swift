import CWalBuffer

/// The file layer that writes the log in large pieces, over a layer that tells the time or one that doesn't.
///
/// Without it all is slower and just as right.
enum LogBuffer {
    static func layer(over lower: String?) -> String? { lower == nil ? plain : withoutClock ?? lower }

    private static let plain: String? =
        elt_walbuffer_register("elt-wal-buffer", nil) == 0 ? "elt-wal-buffer" : nil
    private static let withoutClock: String? = {
        guard let lower = RefusedClock.layer else { return nil }
        let name = "elt-wal-buffer-without-clock"
        return elt_walbuffer_register(name, lower) == 0 ? name : nil
    }()
}

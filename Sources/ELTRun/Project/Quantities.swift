/// Durations, sizes, rates and shares as `elt.yml` writes them: `5m`, `16MiB`, `20/s`, `5%`.
enum Quantities {
    /// `500ms`, `30s`, `5m`, `2h`, `1d`; also `1.5h`. nil if it isn't one.
    static func duration(_ text: String) -> Duration? {
        guard let (number, unit) = split(text) else { return nil }
        let milliseconds: [String: Double] = [
            "ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000,
        ]
        guard let scale = milliseconds[unit], number * scale <= 1e15 else { return nil }
        return .milliseconds(Int64((number * scale).rounded()))
    }

    /// `16MiB`, `1MB`, `512KiB`, `1000` (bytes). nil if it isn't one.
    static func bytes(_ text: String) -> Int64? {
        guard let (number, unit) = split(text) else { return nil }
        let scales: [String: Double] = [
            "": 1, "B": 1, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
            "KiB": 1024, "MiB": 1_048_576, "GiB": 1_073_741_824, "TiB": 1_099_511_627_776,
        ]
        guard let scale = scales[unit], number * scale <= 1e15 else { return nil }
        return Int64((number * scale).rounded())
    }

    /// `20/s`, `100/m`, `5000/h`, in units a second. nil if it isn't one.
    static func rate(_ text: String) -> Double? {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let (number, empty) = split(String(parts[0])), empty.isEmpty else {
            return nil
        }
        let seconds: [String: Double] = ["s": 1, "m": 60, "h": 3600]
        let unit = parts[1].drop { $0 == " " }
        return seconds[String(unit)].map { number / $0 }
    }

    /// `5%` or `0.05`, from 0 to 1. nil if it isn't one.
    static func share(_ text: String) -> Double? {
        guard let (number, unit) = split(text), unit.isEmpty || unit == "%" else { return nil }
        let share = unit.isEmpty ? number : number / 100
        return share <= 1 ? share : nil
    }

    /// A whole number with an optional sign; `_` may group digits, as in `1_000`.
    static func integer(_ text: String) -> Int? {
        guard text.first?.isNumber == true || text.first == "-", text.last != "_" else { return nil }
        return Int(text.filter { $0 != "_" })
    }

    /// A decimal number without sign, then a unit after at most one space.
    private static func split(_ text: String) -> (number: Double, unit: String)? {
        let digits = text.prefix { ("0"..."9").contains($0) || $0 == "." || $0 == "_" }
        guard let first = digits.first, ("0"..."9").contains(first), digits.last != "_", digits.last != ".",
            let number = Double(digits.filter { $0 != "_" })
        else { return nil }
        var unit = text[digits.endIndex...]
        if unit.first == " " { unit = unit.dropFirst() }
        return (number, String(unit))
    }
}

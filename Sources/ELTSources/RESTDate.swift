import ELTCore

extension Instant {
    /// Reads a date of HTTP (RFC 9110 §5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`, and the two old forms
    /// `Sunday, 06-Nov-94 08:49:37 GMT` and `Sun Nov  6 08:49:37 1994`. nil if it's none of them.
    ///
    /// `now` decides the century of the form with two digits: never more than 50 years ahead.
    package init?(httpDate text: String, now: Instant) {
        let words = text.split(separator: " ").map(String.init)
        let fields: (day: String, month: String, year: String, time: String)
        switch words.count {
        case 6 where words[5] == "GMT" && words[0].hasSuffix(","):
            fields = (words[1], words[2], words[3], words[4])
        case 5 where !words[0].hasSuffix(","):
            fields = (words[2], words[1], words[4], words[3])
        case 4 where words[3] == "GMT" && words[0].hasSuffix(","):
            let date = words[1].split(separator: "-", omittingEmptySubsequences: false).map(String.init)
            guard date.count == 3 else { return nil }
            fields = (date[0], date[1], date[2], words[2])
        default: return nil
        }
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let time = fields.time.split(separator: ":", omittingEmptySubsequences: false).map(Self.digits)
        guard let month = months.firstIndex(of: fields.month), let dayOfMonth = Self.digits(fields.day[...]),
            var year = Self.digits(fields.year[...]), time.count == 3,
            let hour = time[0], let minute = time[1], let second = time[2],
            hour < 24, minute < 60, second <= 60
        else { return nil }
        if fields.year.utf8.count == 2 {
            let thisYear = Day(daysSinceEpoch: Int32(clamping: now.milliseconds.floorDivided(by: 86_400_000)))
                .civil.year
            year += thisYear - thisYear % 100
            if year > thisYear + 50 { year -= 100 }
        }
        guard let day = Day(year: year, month: month + 1, day: dayOfMonth) else { return nil }
        let seconds = Int64(day.daysSinceEpoch) * 86_400 + Int64(hour * 3600 + minute * 60 + min(second, 59))
        // A clock that stands before 1970 tells nothing.
        guard seconds >= 0 else { return nil }
        self.init(milliseconds: seconds * 1000)
    }

    private static func digits(_ text: Substring) -> Int? {
        guard (1...4).contains(text.utf8.count), text.utf8.allSatisfy({ $0 &- 48 < 10 }) else { return nil }
        return Int(text)
    }
}

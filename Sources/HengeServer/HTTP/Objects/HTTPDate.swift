import Glibc
package import HengeBase

/// Dates of HTTP headers (RFC 9110, section 5.6.7): `Fri, 20 Nov 2026 23:07:32 GMT`.
package enum HTTPDate {
    private static let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    package static func format(_ wall: WallTime) -> String {
        // The year 9999: beyond it the form has no room.
        var seconds = time_t(min(wall.milliseconds / 1000, 253_402_300_799))
        var parts = tm()
        gmtime_r(&seconds, &parts)
        let (day, month) = (days[Int(parts.tm_wday)], months[Int(parts.tm_mon)])
        let time = "\(pad(parts.tm_hour)):\(pad(parts.tm_min)):\(pad(parts.tm_sec))"
        return "\(day), \(pad(parts.tm_mday)) \(month) \(parts.tm_year + 1900) \(time) GMT"
    }

    /// Nil for anything but the one form that may be sent; the obsolete ones are long gone.
    package static func parse(_ text: String) -> WallTime? {
        let words = text.split(separator: " ")
        guard words.count == 6, words[0].hasSuffix(","), words[5] == "GMT",
            let day = Int32(words[1]), (1...31).contains(day),
            let month = months.firstIndex(of: String(words[2])),
            let year = Int32(words[3]), (1970...9999).contains(year)
        else { return nil }
        let clock = words[4].split(separator: ":").compactMap { Int32($0) }
        guard clock.count == 3, (0...23).contains(clock[0]), (0...59).contains(clock[1]),
            (0...60).contains(clock[2])
        else { return nil }
        var parts = tm()
        parts.tm_year = year - 1900
        parts.tm_mon = Int32(month)
        parts.tm_mday = day
        parts.tm_hour = clock[0]
        parts.tm_min = clock[1]
        parts.tm_sec = clock[2]
        let seconds = timegm(&parts)
        return seconds < 0 ? nil : WallTime(milliseconds: UInt64(seconds) * 1000)
    }

    private static func pad(_ number: Int32) -> String {
        number < 10 ? "0\(number)" : String(number)
    }
}

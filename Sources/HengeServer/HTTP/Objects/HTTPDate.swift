import Glibc
package import HengeBase

/// Dates of HTTP headers (RFC 9110, section 5.6.7): `Fri, 20 Nov 2026 23:07:32 GMT`.
package enum HTTPDate {
    private static let days = Array("SunMonTueWedThuFriSat".utf8)
    private static let monthNames = Array(months.joined().utf8)
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    package static func format(_ wall: WallTime) -> String {
        // The year 9999: beyond it the form has no room.
        var seconds = time_t(min(wall.milliseconds / 1000, 253_402_300_799))
        var parts = tm()
        gmtime_r(&seconds, &parts)
        // Each reply to a read has one, so it is put together without strings in between.
        var text = Text()
        text.name(days, parts.tm_wday)
        text.bytes(", ")
        text.twoDigits(parts.tm_mday)
        text.bytes(" ")
        text.name(monthNames, parts.tm_mon)
        text.bytes(" ")
        let year = parts.tm_year + 1900
        text.twoDigits(year / 100)
        text.twoDigits(year % 100)
        text.bytes(" ")
        text.twoDigits(parts.tm_hour)
        text.bytes(":")
        text.twoDigits(parts.tm_min)
        text.bytes(":")
        text.twoDigits(parts.tm_sec)
        text.bytes(" GMT")
        return String(decoding: text.bytes, as: UTF8.self)
    }

    private struct Text {
        private(set) var bytes: [UInt8] = []

        init() { bytes.reserveCapacity(29) }

        mutating func bytes(_ text: StaticString) {
            text.withUTF8Buffer { bytes.append(contentsOf: $0) }
        }

        mutating func name(_ names: [UInt8], _ index: Int32) {
            bytes.append(contentsOf: names[Int(index) * 3..<Int(index) * 3 + 3])
        }

        mutating func twoDigits(_ number: Int32) {
            bytes.append(UInt8(ascii: "0") + UInt8(number / 10))
            bytes.append(UInt8(ascii: "0") + UInt8(number % 10))
        }
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
}

import FoundationEssentials
package import HengeClient

package import struct NIOCore.ByteBuffer

/// The values that an object holds, for people and as JSON.
package enum SiblingListing {
    /// - Parameter newest: given, its value stands alone; nil lists all.
    package static func json(
        key: ByteBuffer,
        bucket: String?,
        object: HengeObject,
        newest: HengeSibling?
    ) -> JSON {
        var fields: [JSON.Field] = [
            JSON.Field("bucket", .string(bucket ?? "default")),
            JSON.Field("key", .binary(key)),
            JSON.Field("context", .string(object.context.description)),
        ]
        if let newest {
            fields += self.fields(newest)
            fields.append(JSON.Field("siblings", .integer(object.siblings.count)))
        } else {
            let all = object.siblings.map { JSON.object(self.fields($0)) }
            fields.append(JSON.Field("siblings", .array(all)))
        }
        return .object(fields)
    }

    private static func fields(_ sibling: HengeSibling) -> [JSON.Field] {
        [
            JSON.Field("value", .binary(sibling.value)),
            JSON.Field("timestamp_ms", .integer(sibling.writtenAtMilliseconds)),
            JSON.Field("expiry_ms", sibling.expiresAtMilliseconds.map { .integer($0) } ?? .null),
        ]
    }

    package static func lines(_ object: HengeObject, color: Bool) -> [String] {
        var table = Table([.init("written (UTC)"), .init("expires (UTC)"), .init("value")])
        for sibling in object.siblings {
            table.add([
                Painted(time(sibling.writtenAtMilliseconds)),
                Painted(sibling.expiresAtMilliseconds.map(time) ?? "never", .faint),
                Painted(Wording.printable(sibling.value)),
            ])
        }
        let heading = Paint.faint("context", color: color)
        return table.lines(color: color) + ["\(heading)  \(object.context)"]
    }

    /// `2026-11-21 02:10:33.123`
    package static func time(_ milliseconds: Int64) -> String {
        let whole = milliseconds.quotientAndRemainder(dividingBy: 1000)
        guard milliseconds >= 0, whole.quotient < 253_402_300_800 else {
            return "\(milliseconds) ms"
        }
        let date = Date(timeIntervalSince1970: Double(whole.quotient))
        let stamp = date.formatted(.iso8601).replacing("T", with: " ").replacing("Z", with: "")
        let fraction = String(whole.remainder + 1000).dropFirst()
        return "\(stamp).\(fraction)"
    }
}

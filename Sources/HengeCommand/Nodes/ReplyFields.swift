package import HengeClient

package import struct NIOCore.ByteBuffer

/// Reads a reply that should be a map, such as that to `HENGE.RING`.
package struct ReplyFields: Sendable {
    /// A field that is missing or of another kind.
    package struct Fault: Error, Hashable, Sendable, CustomStringConvertible {
        package var field: String
        package var wanted: String

        package init(field: String, wanted: String) {
            self.field = field
            self.wanted = wanted
        }

        package var description: String {
            "the node's answer has no \(field) that is \(wanted); "
                + "is it of another version of henge?"
        }
    }

    private let entries: [HengeReply.Entry]

    package init(_ reply: HengeReply, of name: String = "map") throws(Fault) {
        guard case .map(let entries) = reply else { throw Fault(field: name, wanted: "a map") }
        self.entries = entries
    }

    package func value(_ name: String) -> HengeReply? {
        entries.first { ReplyFields.text($0.key) == name }?.value
    }

    package func bytes(_ name: String) throws(Fault) -> ByteBuffer {
        switch value(name) {
        case .bytes(let bytes): return bytes
        case .text(let text): return ByteBuffer(string: text)
        default: throw Fault(field: name, wanted: "text")
        }
    }

    package func string(_ name: String) throws(Fault) -> String {
        guard let text = value(name).flatMap(ReplyFields.text) else {
            throw Fault(field: name, wanted: "text")
        }
        return text
    }

    /// Nil where the field is missing or null.
    package func optionalString(_ name: String) -> String? {
        value(name).flatMap(ReplyFields.text)
    }

    package func integer(_ name: String) throws(Fault) -> Int {
        guard let number = optionalInteger(name) else {
            throw Fault(field: name, wanted: "a whole number")
        }
        return number
    }

    package func optionalInteger(_ name: String) -> Int? {
        switch value(name) {
        case .integer(let number): Int(number)
        case .some(let reply): ReplyFields.text(reply).flatMap { Int($0) }
        case nil: nil
        }
    }

    package func number(_ name: String) throws(Fault) -> Double {
        switch value(name) {
        case .double(let number): return number
        case .integer(let number): return Double(number)
        case .some(let reply):
            if let number = ReplyFields.text(reply).flatMap({ Double($0) }) { return number }
            throw Fault(field: name, wanted: "a number")
        case nil: throw Fault(field: name, wanted: "a number")
        }
    }

    package func boolean(_ name: String) throws(Fault) -> Bool {
        switch value(name) {
        case .boolean(let flag): return flag
        case .integer(let number): return number != 0
        default: throw Fault(field: name, wanted: "true or false")
        }
    }

    package func list(_ name: String) throws(Fault) -> [HengeReply] {
        guard case .array(let elements) = value(name) else {
            throw Fault(field: name, wanted: "a list")
        }
        return elements
    }

    package func strings(_ name: String) throws(Fault) -> [String] {
        var texts: [String] = []
        for element in try list(name) {
            guard let text = ReplyFields.text(element) else {
                throw Fault(field: name, wanted: "a list of texts")
            }
            texts.append(text)
        }
        return texts
    }

    package func maps(_ name: String) throws(Fault) -> [ReplyFields] {
        var maps: [ReplyFields] = []
        for element in try list(name) { maps.append(try ReplyFields(element, of: name)) }
        return maps
    }

    /// Nil where the field is missing, null, or of another kind.
    package func map(_ name: String) -> ReplyFields? {
        value(name).flatMap { try? ReplyFields($0, of: name) }
    }

    private static func text(_ reply: HengeReply) -> String? {
        switch reply {
        case .text(let text): text
        case .bytes(let bytes): String(buffer: bytes)
        case .null, .integer, .double, .boolean, .array, .map, .error: nil
        }
    }
}

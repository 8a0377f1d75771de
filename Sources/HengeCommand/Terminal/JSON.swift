import FoundationEssentials
package import HengeClient

package import struct NIOCore.ByteBuffer

/// A JSON value whose objects keep the order of their fields.
package indirect enum JSON: Equatable, Sendable {
    case null
    case boolean(Bool)
    case integer(Int64)
    case number(Double)
    case string(String)
    case array([JSON])
    case object([Field])

    package struct Field: Equatable, Sendable {
        package var name: String
        package var value: JSON

        package init(_ name: String, _ value: JSON) {
            self.name = name
            self.value = value
        }
    }

    package static func object(_ fields: (String, JSON)...) -> JSON {
        .object(fields.map { Field($0.0, $0.1) })
    }

    package static func integer(_ number: Int) -> JSON { .integer(Int64(number)) }

    /// A string where the bytes are UTF-8, else `{"base64": …}`.
    package static func binary(_ bytes: ByteBuffer) -> JSON {
        let view = bytes.readableBytesView
        if let text = String(validating: view, as: UTF8.self) { return .string(text) }
        return .object(("base64", .string(Data(view).base64EncodedString())))
    }

    /// A node's reply: its maps are already of the shapes that `--json` promises.
    package init(_ reply: HengeReply) {
        switch reply {
        case .null: self = .null
        case .integer(let number): self = .integer(number)
        case .double(let number): self = .number(number)
        case .boolean(let flag): self = .boolean(flag)
        case .text(let text): self = .string(text)
        case .bytes(let bytes): self = .binary(bytes)
        case .array(let elements): self = .array(elements.map { JSON($0) })
        case .map(let entries):
            self = .object(entries.map { Field(Self.name($0.key), JSON($0.value)) })
        case .error(let error): self = .object(("error", .string(error.message)))
        }
    }

    private static func name(_ key: HengeReply) -> String {
        switch key {
        case .text(let text): text
        case .bytes(let bytes): String(buffer: bytes)
        case .integer(let number): String(number)
        case .null, .double, .boolean, .array, .map, .error: "\(key)"
        }
    }

    /// The value in one line.
    package var text: String {
        var out = ""
        write(to: &out)
        return out
    }

    /// The value over several lines, two spaces an indent, as files are kept.
    package var prettyText: String {
        var out = ""
        write(to: &out, indent: "")
        return out
    }

    private func write(to out: inout String, indent: String) {
        let inner = indent + "  "
        switch self {
        case .array(let elements) where !elements.isEmpty:
            out += "[\n"
            for (index, element) in elements.enumerated() {
                out += inner
                element.write(to: &out, indent: inner)
                out += index == elements.count - 1 ? "\n" : ",\n"
            }
            out += indent + "]"
        case .object(let fields) where !fields.isEmpty:
            out += "{\n"
            for (index, field) in fields.enumerated() {
                out += inner
                Self.quote(field.name, to: &out)
                out += ": "
                field.value.write(to: &out, indent: inner)
                out += index == fields.count - 1 ? "\n" : ",\n"
            }
            out += indent + "}"
        case .null, .boolean, .integer, .number, .string, .array, .object: write(to: &out)
        }
    }

    private func write(to out: inout String) {
        switch self {
        case .null: out += "null"
        case .boolean(let flag): out += flag ? "true" : "false"
        case .integer(let number): out += String(number)
        // JSON has no infinity.
        case .number(let number): out += number.isFinite ? "\(number)" : "null"
        case .string(let text): Self.quote(text, to: &out)
        case .array(let elements):
            out += "["
            for (index, element) in elements.enumerated() {
                if index > 0 { out += "," }
                element.write(to: &out)
            }
            out += "]"
        case .object(let fields):
            out += "{"
            for (index, field) in fields.enumerated() {
                if index > 0 { out += "," }
                Self.quote(field.name, to: &out)
                out += ":"
                field.value.write(to: &out)
            }
            out += "}"
        }
    }

    private static func quote(_ text: String, to out: inout String) {
        out += "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\n": out += "\\n"
            case "\r": out += "\\r"
            case "\t": out += "\\t"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F:
                let hex = String(scalar.value, radix: 16)
                out += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: out.unicodeScalars.append(scalar)
            }
        }
        out += "\""
    }
}

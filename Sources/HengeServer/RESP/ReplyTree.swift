package import HengeRESP
package import NIOCore

/// A nested reply, built once and written in RESP2 or RESP3: maps and booleans where there are
/// some, flat arrays and numbers where not.
package indirect enum ReplyTree: Hashable, Sendable {
    package struct Field: Hashable, Sendable {
        package let name: String
        package let value: ReplyTree

        package init(name: String, value: ReplyTree) {
            self.name = name
            self.value = value
        }
    }

    case null
    case integer(Int64)
    case double(Double)
    case boolean(Bool)
    case simple(String)
    case text(String)
    case bytes(ByteBuffer)
    case array([ReplyTree])
    case set([ReplyTree])
    case map([Field])

    package static func integer(_ value: Int) -> ReplyTree { .integer(Int64(value)) }

    package static func map(_ fields: KeyValuePairs<String, ReplyTree>) -> ReplyTree {
        .map(fields.map(Field.init(name:value:)))
    }

    package func write(_ writer: RESPWriter, into out: inout ByteBuffer) {
        switch self {
        case .null: writer.null(into: &out)
        case .integer(let value): writer.integer(value, into: &out)
        case .double(let value): writer.double(value, into: &out)
        case .boolean(let value): writer.boolean(value, into: &out)
        case .simple(let text): writer.simpleString(text, into: &out)
        case .text(let text): writer.bulk(text, into: &out)
        case .bytes(let bytes): writer.bulk(bytes, into: &out)
        case .array(let elements):
            writer.arrayHeader(elements.count, into: &out)
            for element in elements { element.write(writer, into: &out) }
        case .set(let elements):
            writer.setHeader(elements.count, into: &out)
            for element in elements { element.write(writer, into: &out) }
        case .map(let fields):
            writer.mapHeader(fields.count, into: &out)
            for field in fields {
                writer.bulk(field.name, into: &out)
                field.value.write(writer, into: &out)
            }
        }
    }
}

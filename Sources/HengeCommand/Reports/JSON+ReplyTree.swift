package import HengeServer

extension JSON {
    /// A reply in the shape that `--json` promises.
    package init(_ tree: ReplyTree) {
        switch tree {
        case .null: self = .null
        case .integer(let number): self = .integer(number)
        case .double(let number): self = .number(number)
        case .boolean(let flag): self = .boolean(flag)
        case .simple(let text), .text(let text): self = .string(text)
        case .bytes(let bytes): self = .binary(bytes)
        case .array(let elements), .set(let elements): self = .array(elements.map { JSON($0) })
        case .map(let fields): self = .object(fields.map { Field($0.name, JSON($0.value)) })
        }
    }
}

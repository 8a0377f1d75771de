/// The few shapes of JSON Schema that the description of `/admin/…` is made of.
extension JSONValue {
    static let text: JSONValue = ["type": "string"]
    static let flag: JSONValue = ["type": "boolean"]
    static let count: JSONValue = ["type": "integer", "minimum": 0]
    static let double: JSONValue = ["type": "number"]
    static let numberOrNull: JSONValue = ["type": ["number", "null"]]
    static let anything: JSONValue = ["type": "object"]
    static let anyOrNull: JSONValue = ["type": ["object", "null"]]

    static func number(in range: ClosedRange<Int>) -> JSONValue {
        [
            "type": "integer", "minimum": .integer(Int64(range.lowerBound)),
            "maximum": .integer(Int64(range.upperBound)),
        ]
    }

    static func list(_ element: JSONValue) -> JSONValue { ["type": "array", "items": element] }

    static func oneOf(_ values: [String]) -> JSONValue {
        ["type": "string", "enum": .array(values.map { .string($0) })]
    }

    /// A reply that has these fields, and may have more.
    static func record(_ fields: KeyValuePairs<String, JSONValue>) -> JSONValue {
        [
            "type": "object",
            "properties": .object(fields.map { Member($0.key, $0.value) }),
            "required": .array(fields.map { .string($0.key) }),
        ]
    }

    /// A body that may have these fields and no others.
    static func record(
        _ fields: KeyValuePairs<String, JSONValue>,
        required: [String]
    ) -> JSONValue {
        [
            "type": "object",
            "properties": .object(fields.map { Member($0.key, $0.value) }),
            "required": .array(required.map { .string($0) }),
            "additionalProperties": false,
        ]
    }
}

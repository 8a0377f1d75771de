import Foundation
import Testing

/// As much of JSON Schema as the project's schemas use; a keyword that it does not know is a fault,
/// so that none is passed over.
struct SchemaCheck {
    private let root: [String: Any]
    private(set) var faults: [String] = []

    init(file name: String) throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        let url = folder.appending(path: "../../docs/schemas/\(name)")
        let value = try JSONSerialization.jsonObject(with: Data(contentsOf: url))
        root = try #require(value as? [String: Any])
    }

    mutating func check(_ text: String) throws {
        let value = try JSONSerialization.jsonObject(with: Data(text.utf8))
        check(value, root, at: "$")
    }

    private mutating func check(_ value: Any, _ schema: [String: Any], at path: String) {
        for (keyword, rule) in schema {
            switch keyword {
            case "$schema", "$defs", "title", "description": break
            case "$ref": follow(rule, value, at: path)
            case "type":
                let names = rule as? [String] ?? [rule as? String ?? ""]
                if !names.contains(where: { Self.isType(value, $0) }) {
                    faults.append("\(path): \(value) is no \(names)")
                }
            case "enum":
                let allowed = rule as? [String] ?? []
                if !allowed.contains(value as? String ?? "\u{0}") {
                    faults.append("\(path): \(value) is none of \(allowed)")
                }
            case "minimum", "maximum": bound(value, rule, isLower: keyword == "minimum", path)
            case "required":
                guard let object = value as? [String: Any] else { break }
                for name in rule as? [String] ?? [] where object[name] == nil {
                    faults.append("\(path): no \(name)")
                }
            case "additionalProperties":
                guard let object = value as? [String: Any] else { break }
                let known = schema["properties"] as? [String: Any] ?? [:]
                for name in object.keys where known[name] == nil {
                    faults.append("\(path): \(name) is not described")
                }
            case "properties":
                guard let object = value as? [String: Any] else { break }
                for (name, part) in rule as? [String: [String: Any]] ?? [:] {
                    if let field = object[name] { check(field, part, at: "\(path).\(name)") }
                }
            case "items":
                for (index, element) in (value as? [Any] ?? []).enumerated() {
                    check(element, rule as? [String: Any] ?? [:], at: "\(path)[\(index)]")
                }
            default: faults.append("\(path): unknown keyword \(keyword)")
            }
        }
    }

    private mutating func follow(_ rule: Any, _ value: Any, at path: String) {
        let name = (rule as? String ?? "").split(separator: "/").last.map(String.init) ?? ""
        let definitions = root["$defs"] as? [String: [String: Any]] ?? [:]
        guard let schema = definitions[name] else {
            faults.append("\(path): no definition of \(name)")
            return
        }
        check(value, schema, at: path)
    }

    private mutating func bound(_ value: Any, _ rule: Any, isLower: Bool, _ path: String) {
        guard !(value is NSNull), let number = (value as? NSNumber)?.doubleValue,
            let bound = (rule as? NSNumber)?.doubleValue
        else { return }
        if isLower ? number < bound : number > bound {
            faults.append("\(path): \(number) is beyond \(bound)")
        }
    }

    private static func isType(_ value: Any, _ name: String) -> Bool {
        switch name {
        case "null": value is NSNull
        case "object": value is [String: Any]
        case "array": value is [Any]
        case "string": value is String
        case "boolean": (value as? NSNumber).map(isBoolean) ?? false
        case "integer":
            (value as? NSNumber).map {
                !isBoolean($0) && $0.doubleValue.rounded() == $0.doubleValue
            }
                ?? false
        case "number": (value as? NSNumber).map { !isBoolean($0) } ?? false
        default: false
        }
    }

    private static func isBoolean(_ number: NSNumber) -> Bool {
        String(cString: number.objCType) == "c"
    }
}

package import HengeRing

/// Changes of a ring that are only thought of: `add=n4,n5`, `remove=n2`, `replace=n1:n6`,
/// `weight=n1:2`, `zone=n1:b`, `partitions=4096`.
package struct WhatIf: Equatable, Sendable {
    package struct Fault: Error, Equatable, CustomStringConvertible {
        package let description: String
    }

    package private(set) var operations: [RingOperation] = []
    package private(set) var partitions: Int?

    package init(_ words: [String]) throws(Fault) {
        for word in words {
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let values = parts.count > 1 ? parts[1].split(separator: ",") : []
            guard !values.isEmpty else {
                throw Fault(
                    description: "'\(word)' is no change; a change is add=n4,n5, remove=n2, "
                        + "replace=n1:n6, weight=n1:2, zone=n1:b or partitions=4096"
                )
            }
            for value in values { try add(String(parts[0]), String(value), in: word) }
        }
    }

    private mutating func add(
        _ verb: String,
        _ value: String,
        in word: String
    ) throws(Fault) {
        switch verb {
        case "add": operations.append(.add(try Self.name(value), weight: nil, zone: nil))
        case "remove": operations.append(.remove(try Self.name(value)))
        case "replace":
            let (old, new) = try Self.pair(value, in: word)
            operations.append(.replace(old, with: try Self.name(new)))
        case "weight":
            let (name, number) = try Self.pair(value, in: word)
            guard let weight = Int(number) else {
                throw Fault(description: "'\(number)' in '\(word)' is no whole number")
            }
            operations.append(.weight(name, weight))
        case "zone":
            let (name, zone) = try Self.pair(value, in: word)
            operations.append(.zone(name, zone))
        case "partitions":
            guard partitions == nil, let count = Int(value),
                RingDocument.partitionCounts.contains(count), count.nonzeroBitCount == 1
            else {
                throw Fault(
                    description: "partitions= takes one power of two from 64 to 16384, "
                        + "not '\(value)'"
                )
            }
            partitions = count
        default:
            throw Fault(
                description: "'\(verb)' in '\(word)' is none of add, remove, replace, weight, "
                    + "zone, partitions"
            )
        }
    }

    private static func pair(
        _ value: String,
        in word: String
    ) throws(Fault) -> (String, String) {
        let parts = value.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else {
            throw Fault(description: "'\(value)' in '\(word)' lacks a colon, as in n1:2")
        }
        return (try name(String(parts[0])), String(parts[1]))
    }

    private static func name(_ text: String) throws(Fault) -> String {
        guard Member.isName(text) else {
            throw Fault(description: "'\(text)' can't name a node")
        }
        return text
    }

    /// In the words of the command line.
    package var text: String {
        let changes =
            operations.map(\.description) + (partitions.map { ["partitions \($0)"] } ?? [])
        return changes.joined(separator: ", ")
    }
}

/// The members of a cluster at its first start, as every node is told them:
/// `n1=10.0.0.1:7401,n2=10.0.0.2:7401/zone=b/weight=2`.
package struct BootstrapList: Hashable, Sendable {
    package struct Entry: Hashable, Sendable {
        package let name: String
        package let address: HostPort
        /// Empty when none is given.
        package let zone: String
        package let weight: Int
    }

    /// Sorted by name, so that equal lists are equal in whatever order they were written.
    package let entries: [Entry]

    /// Reads a list of 1 to 1000 members. Spaces around entries don't count.
    package static func parse(_ text: String) throws(BootstrapError) -> BootstrapList {
        guard text.utf8.contains(where: { !isSpace($0) }) else { throw .empty }
        var entries: [Entry] = []
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        guard parts.count <= Member.countMax else { throw .tooManyMembers(parts.count) }
        for (index, part) in parts.enumerated() {
            entries.append(try entry(trimmed(part), position: index + 1))
        }
        entries.sort { $0.name < $1.name }
        for (a, b) in zip(entries, entries.dropFirst()) where a.name == b.name {
            throw .duplicateName(a.name)
        }
        var names: [HostPort: String] = [:]
        for entry in entries {
            if let other = names.updateValue(entry.name, forKey: entry.address) {
                throw .duplicateAddress(entry.address.description, other, entry.name)
            }
        }
        return BootstrapList(entries: entries)
    }

    private static func entry(_ text: Substring, position: Int) throws(BootstrapError) -> Entry {
        guard !text.isEmpty else { throw .emptyEntry(position: position) }
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard let equals = parts[0].firstIndex(of: "=") else {
            throw .missingAddress(entry: String(text), position: position)
        }
        let name = String(parts[0][..<equals])
        guard Member.isName(name) else { throw .invalidName(name, position: position) }
        let addressText = parts[0][parts[0].index(after: equals)...]
        guard let address = HostPort(addressText) else {
            throw .invalidAddress(String(addressText), name: name)
        }
        var zone: String?
        var weight: Int?
        for option in parts.dropFirst() {
            if option.hasPrefix("zone=") {
                guard zone == nil else { throw .repeatedOption("zone", name: name) }
                zone = try zoneName(option.dropFirst(5), name: name)
            } else if option.hasPrefix("weight=") {
                guard weight == nil else { throw .repeatedOption("weight", name: name) }
                weight = try weightNumber(option.dropFirst(7), name: name)
            } else {
                throw .unknownOption(String(option), name: name)
            }
        }
        return Entry(name: name, address: address, zone: zone ?? "", weight: weight ?? 1)
    }

    private static func zoneName(
        _ text: Substring,
        name: String
    ) throws(BootstrapError) -> String {
        guard Member.isName(text) else { throw .invalidZone(String(text), name: name) }
        return String(text)
    }

    private static func weightNumber(
        _ text: Substring,
        name: String
    ) throws(BootstrapError) -> Int {
        guard !text.hasPrefix("+"), let weight = Int(text), Member.weights.contains(weight) else {
            throw .invalidWeight(String(text), name: name)
        }
        return weight
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || (9...13).contains(byte)
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var rest = text
        while let first = rest.utf8.first, isSpace(first) { rest = rest.dropFirst() }
        while let last = rest.utf8.last, isSpace(last) { rest = rest.dropLast() }
        return rest
    }
}

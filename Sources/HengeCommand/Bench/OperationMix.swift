/// Which operations a load consists of.
package enum OperationMix: Equatable, Sendable {
    case ping
    /// Reads and writes in this ratio; one of the two is above 0.
    case data(reads: Int, writes: Int)

    package static let set = OperationMix.data(reads: 0, writes: 1)
    package static let get = OperationMix.data(reads: 1, writes: 0)

    /// Either part of a ratio is at most this.
    private static let partMax = 1_000_000

    /// Reads `ping`, `set`, `get`, or reads to writes such as `80:20`.
    package init?(parsing text: String) {
        switch text.lowercased() {
        case "ping": self = .ping
        case "set": self = .set
        case "get": self = .get
        default:
            let parts = text.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count == 2, let reads = Self.part(parts[0]),
                let writes = Self.part(parts[1]), reads + writes > 0
            else { return nil }
            self = .data(reads: reads, writes: writes)
        }
    }

    /// Whether reads and writes have the same shares.
    package func isSame(as other: OperationMix?) -> Bool {
        switch (self, other) {
        case (.ping, .ping): true
        case (.data(let reads, let writes), .data(let otherReads, let otherWrites)):
            reads * otherWrites == otherReads * writes
        case (.ping, _), (.data, _): false
        }
    }

    package var hasReads: Bool {
        if case .data(let reads, _) = self { return reads > 0 }
        return false
    }

    package var hasWrites: Bool {
        if case .data(_, let writes) = self { return writes > 0 }
        return false
    }

    private static func part(_ text: Substring) -> Int? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (48...57).contains($0) }),
            let number = Int(text), number <= partMax
        else { return nil }
        return number
    }
}

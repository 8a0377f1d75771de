import HengeClient
import NIOCore

/// What anti-entropy has done, of one node since its start or of several together.
package struct EntropyTotals: Equatable, Sendable {
    /// Partitions that differed.
    package var differences = 0
    /// Records that comparisons brought, and that changed a node.
    package var received = 0
    /// Records sent in comparisons.
    package var sent = 0
    package var purged = 0
    package var comparisons = 0
    package var failed = 0
    /// Sent for comparisons, before and after compression.
    package var bytesRaw = 0
    package var bytesCompressed = 0
    /// Sent to hand over records, for hints or after comparisons.
    package var handOffBytesRaw = 0
    package var handOffBytesCompressed = 0

    package init() {}

    package init(_ fields: ReplyFields) throws(ReplyFields.Fault) {
        differences = try fields.integer("differences")
        received = try fields.integer("received")
        sent = try fields.integer("sent")
        purged = try fields.integer("purged")
        comparisons = try fields.integer("comparisons")
        failed = try fields.integer("failed")
        bytesRaw = try fields.integer("bytes_raw")
        bytesCompressed = try fields.integer("bytes_compressed")
        handOffBytesRaw = try fields.integer("hand_off_bytes_raw")
        handOffBytesCompressed = try fields.integer("hand_off_bytes_compressed")
    }

    private static let parts: [any WritableKeyPath<EntropyTotals, Int> & Sendable] = [
        \.differences, \.received, \.sent, \.purged, \.comparisons, \.failed, \.bytesRaw,
        \.bytesCompressed, \.handOffBytesRaw, \.handOffBytesCompressed,
    ]

    package mutating func add(_ other: EntropyTotals) {
        for part in Self.parts {
            let (sum, overflows) = self[keyPath: part].addingReportingOverflow(other[keyPath: part])
            self[keyPath: part] = overflows ? .max : sum
        }
    }

    /// What was added since `before`; of a node that started anew since, all that it counts.
    package func since(_ before: EntropyTotals) -> EntropyTotals {
        let isNew = Self.parts.contains { self[keyPath: $0] < before[keyPath: $0] }
        guard !isNew else { return self }
        var rest = self
        for part in Self.parts { rest[keyPath: part] -= before[keyPath: part] }
        return rest
    }

    package var jsonFields: [JSON.Field] {
        [
            .init("received", .integer(received)), .init("sent", .integer(sent)),
            .init("purged", .integer(purged)), .init("comparisons", .integer(comparisons)),
            .init("failed", .integer(failed)),
            .init("hand_off_bytes_raw", .integer(handOffBytesRaw)),
            .init("hand_off_bytes_compressed", .integer(handOffBytesCompressed)),
        ]
    }

    /// `1.20 MiB sent as 300 KiB`
    package var traffic: String {
        "\(Wording.bytes(bytesRaw)) sent as \(Wording.bytes(bytesCompressed))"
    }
}

extension ReplyFields {
    /// An age in seconds as milliseconds; nil where it is null or missing.
    func optionalMilliseconds(_ name: String) throws(Fault) -> Int? {
        try Self.milliseconds(value(name) ?? .null, of: name)
    }

    /// - Parameter name: what to call it in a fault.
    static func milliseconds(_ reply: HengeReply, of name: String) throws(Fault) -> Int? {
        let seconds: Double?
        switch reply {
        case .null: return nil
        case .double(let number): seconds = number
        case .integer(let number): seconds = Double(number)
        case .text(let text): seconds = Double(text)
        case .bytes(let bytes): seconds = Double(String(buffer: bytes))
        case .boolean, .array, .map, .error: seconds = nil
        }
        guard let seconds, seconds >= 0, seconds < 1e12 else {
            throw Fault(field: name, wanted: "an age in seconds")
        }
        return Int((seconds * 1000).rounded())
    }
}

/// An array, map, set, push message or attribute whose elements are still arriving.
struct OpenAggregate: Sendable {
    private enum Kind { case array, map, set, push, attribute }

    /// The most that an announced count reserves ahead; more must have arrived first.
    private static let reservedMax = 256

    private let kind: Kind
    private(set) var elementsLeft: Int
    private var elements: [RESPValue] = []

    /// Nil for a type that is no aggregate, or a count whose double overflows.
    init?(type: UInt8, announced: Int) {
        switch type {
        case UInt8(ascii: "*"): kind = .array
        case UInt8(ascii: "%"): kind = .map
        case UInt8(ascii: "~"): kind = .set
        case UInt8(ascii: ">"): kind = .push
        case UInt8(ascii: "|"): kind = .attribute
        default: return nil
        }
        let factor = kind == .map || kind == .attribute ? 2 : 1
        let (count, overflow) = announced.multipliedReportingOverflow(by: factor)
        guard !overflow else { return nil }
        elementsLeft = count
        elements.reserveCapacity(min(count, OpenAggregate.reservedMax))
    }

    mutating func append(_ element: RESPValue) {
        precondition(elementsLeft > 0, "the aggregate is complete")
        elements.append(element)
        elementsLeft -= 1
    }

    /// What the elements make up; nil for an attribute, which nobody asked for.
    var value: RESPValue? {
        switch kind {
        case .array: .array(elements)
        case .set: .set(elements)
        case .push: .push(elements)
        case .map:
            .map(
                stride(from: 0, to: elements.count - 1, by: 2).map { index in
                    RESPMapEntry(key: elements[index], value: elements[index + 1])
                }
            )
        case .attribute: nil
        }
    }
}

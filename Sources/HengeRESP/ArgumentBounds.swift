/// Where the arguments of a request lie in it, in bytes from its first.
///
/// The first eight are held in place, so a usual command costs no allocation; the rest go to an
/// array.
struct ArgumentBounds: Sendable {
    struct Bound: Sendable {
        var start: UInt32 = 0
        var length: UInt32 = 0
    }

    private static let inPlace = 8
    /// The most that an announced count reserves ahead; more must have arrived first.
    private static let reservedMax = 64

    private var bound0 = Bound()
    private var bound1 = Bound()
    private var bound2 = Bound()
    private var bound3 = Bound()
    private var bound4 = Bound()
    private var bound5 = Bound()
    private var bound6 = Bound()
    private var bound7 = Bound()
    private var overflow: [Bound] = []
    private(set) var count = 0

    mutating func reserve(_ announced: Int) {
        guard announced > ArgumentBounds.inPlace else { return }
        let rest = announced - ArgumentBounds.inPlace
        overflow.reserveCapacity(min(rest, ArgumentBounds.reservedMax))
    }

    mutating func append(start: Int, length: Int) {
        let bound = Bound(start: UInt32(start), length: UInt32(length))
        switch count {
        case 0: bound0 = bound
        case 1: bound1 = bound
        case 2: bound2 = bound
        case 3: bound3 = bound
        case 4: bound4 = bound
        case 5: bound5 = bound
        case 6: bound6 = bound
        case 7: bound7 = bound
        default: overflow.append(bound)
        }
        count += 1
    }

    /// - Precondition: `index` is in `0..<count`.
    subscript(_ index: Int) -> Bound {
        precondition(index >= 0 && index < count, "argument index out of range")
        return switch index {
        case 0: bound0
        case 1: bound1
        case 2: bound2
        case 3: bound3
        case 4: bound4
        case 5: bound5
        case 6: bound6
        case 7: bound7
        default: overflow[index - ArgumentBounds.inPlace]
        }
    }

    /// Forgets all; a command that took a copy keeps its array.
    mutating func removeAll() {
        count = 0
        if !overflow.isEmpty { overflow = [] }
    }
}

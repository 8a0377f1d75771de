import HengeBase

/// Finds small numbers by 64-bit names that are well mixed already, such as tokens.
///
/// Open addressing with linear probing, at most half full; what is removed leaves no gap (Knuth,
/// *The Art of Computer Programming*, volume 3, section 6.4, algorithm R). Its memory is fixed.
struct TokenTable {
    private static let empty = UInt16.max

    private var names: [UInt64]
    /// `empty` where nothing is.
    private var values: [UInt16]
    private let mask: Int

    /// - Parameter capacity: the most that it will hold at a time, 1...16,384.
    init(capacity: Int) {
        invariant(capacity >= 1 && capacity <= 16_384)
        var size = 4
        while size < 2 * capacity { size *= 2 }
        names = Array(repeating: 0, count: size)
        values = Array(repeating: Self.empty, count: size)
        mask = size - 1
    }

    subscript(name: UInt64) -> Int? {
        let place = place(of: name)
        return values[place] == Self.empty ? nil : Int(values[place])
    }

    /// - Parameter value: 0..<capacity.
    mutating func insert(_ name: UInt64, _ value: Int) {
        let place = place(of: name)
        names[place] = name
        values[place] = UInt16(value)
    }

    mutating func remove(_ name: UInt64) {
        var gap = place(of: name)
        guard values[gap] != Self.empty else { return }
        values[gap] = Self.empty
        var next = (gap + 1) & mask
        while values[next] != Self.empty {
            // Whether it would still be found if it moved into the gap.
            let distance = (next - home(of: names[next])) & mask
            if distance >= (next - gap) & mask {
                names[gap] = names[next]
                values[gap] = values[next]
                values[next] = Self.empty
                gap = next
            }
            next = (next + 1) & mask
        }
    }

    /// Where it is, or where it would be put.
    private func place(of name: UInt64) -> Int {
        var place = home(of: name)
        while values[place] != Self.empty, names[place] != name { place = (place + 1) & mask }
        return place
    }

    /// By the low bits: the high ones of a token are its slot, which a node has few of.
    private func home(of name: UInt64) -> Int { Int(truncatingIfNeeded: name) & mask }
}

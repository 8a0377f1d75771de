package import HengeBase

/// How the keys of successive operations follow each other.
package enum KeyDistribution: String, CaseIterable, Sendable {
    /// Every key as likely as any other.
    case uniform
    /// Key k with a probability proportional to 1 / (k+1)^0.99. The hot keys stand side by side in
    /// number only: a ring hashes them.
    case zipfian
    /// One after the other, from the first again after the last.
    case sequential
}

/// Chooses the key numbers of one event loop's operations.
package struct KeyChooser: Sendable {
    private enum Source: Sendable {
        case uniform
        case zipfian(ZipfianSampler)
        case sequential
    }

    private let source: Source
    private let count: Int
    private let stride: Int
    private var position: Int

    /// - Parameters:
    ///   - count: of keys, at least 1.
    ///   - share: which of `shares` loops this is; so that together they run through the keys in
    ///     sequence.
    package init(_ distribution: KeyDistribution, count: Int, share: Int = 0, shares: Int = 1) {
        precondition(count >= 1 && share >= 0 && share < shares)
        self.count = count
        stride = shares % count
        position = share % count
        switch distribution {
        case .uniform: source = .uniform
        case .zipfian: source = .zipfian(ZipfianSampler(count: count))
        case .sequential: source = .sequential
        }
    }

    /// A number in `0..<count`.
    package mutating func next(using generator: inout SeededGenerator) -> Int {
        switch source {
        case .uniform:
            return generator.below(count)
        case .zipfian(let sampler):
            return sampler.next(using: &generator)
        case .sequential:
            let key = position
            position += stride
            if position >= count { position -= count }
            return key
        }
    }
}

package import HengeBase

/// One operation of a load.
package enum Operation: Equatable, Sendable {
    case ping
    case get(key: Int)
    /// - Parameter variant: any number; which value to write.
    case set(key: Int, variant: UInt64)

    /// Nil where no key is asked for.
    package var key: Int? {
        switch self {
        case .ping: nil
        case .get(let key), .set(let key, _): key
        }
    }

    package var isWrite: Bool {
        if case .set = self { return true }
        return false
    }
}

/// The endless sequence of one event loop's operations, always the same from the same seed.
package struct OperationSequence: Sendable {
    private let mix: OperationMix
    private var keys: KeyChooser
    private var generator: SeededGenerator

    package init(_ mix: OperationMix, keys: KeyChooser, generator: SeededGenerator) {
        self.mix = mix
        self.keys = keys
        self.generator = generator
    }

    package mutating func next() -> Operation {
        guard case .data(let reads, let writes) = mix else { return .ping }
        let key = keys.next(using: &generator)
        if writes == 0 || reads > 0 && generator.chance(reads, in: reads + writes) {
            return .get(key: key)
        }
        return .set(key: key, variant: generator.next())
    }
}

extension RingModel {
    /// All that matters of three nodes, their disks and the network at one moment.
    struct World: Hashable {
        /// By node: the numbers of its state, of what its disk holds, and 1 + that of what it
        /// saves; 16 bits each.
        var nodes: UInt64 = 0
        var disks: UInt64 = 0
        var saves: UInt64 = 0
        /// Every message that was ever sent, a bit each.
        var soup: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        /// By ballot, a byte each: 1 + the number of the document that it was for.
        var values: UInt64 = 0
        /// By ballot, a bit for each node: whose vote has become durable.
        var votes: UInt32 = 0
        /// What may still happen, and how often nodes 1 and 2 have proposed.
        var budget = Budget()

        struct Budget: Hashable {
            var crashes: UInt8 = 0
            var lostDisks: UInt8 = 0
            var proposals: (UInt8, UInt8) = (0, 0)

            var bits: UInt32 {
                UInt32(crashes) | UInt32(lostDisks) << 8 | UInt32(proposals.0) << 16
                    | UInt32(proposals.1) << 24
            }

            static func == (a: Budget, b: Budget) -> Bool { a.bits == b.bits }

            func hash(into hasher: inout Hasher) { hasher.combine(bits) }
        }

        static func == (a: World, b: World) -> Bool {
            a.nodes == b.nodes && a.disks == b.disks && a.saves == b.saves && a.soup == b.soup
                && a.values == b.values && a.votes == b.votes && a.budget == b.budget
        }

        func hash(into hasher: inout Hasher) {
            hasher.combine(nodes)
            hasher.combine(soup.0)
            hasher.combine(soup.1)
            hasher.combine(UInt64(votes) << 32 | UInt64(budget.bits))
        }

        mutating func put(_ number: Int) {
            let bit: UInt64 = 1 << UInt64(number & 63)
            switch number >> 6 {
            case 0: soup.0 |= bit
            case 1: soup.1 |= bit
            case 2: soup.2 |= bit
            default: soup.3 |= bit
            }
        }

        mutating func remove(_ number: Int) {
            let bit: UInt64 = ~(1 << UInt64(number & 63))
            switch number >> 6 {
            case 0: soup.0 &= bit
            case 1: soup.1 &= bit
            case 2: soup.2 &= bit
            default: soup.3 &= bit
            }
        }

        static func get(_ field: UInt64, _ index: Int) -> Int {
            Int(field >> UInt64(16 * index) & 0xFFFF)
        }

        static func set(_ field: inout UInt64, _ index: Int, _ value: Int) {
            precondition(value < 0x10000, "the numbers are too small")
            let shift = UInt64(16 * index)
            field = field & ~(0xFFFF << shift) | UInt64(value) << shift
        }
    }
}

/// Gives values numbers, in the order in which they turn up.
struct Interned<Value: Hashable> {
    private(set) var values: [Value] = []
    private var numbers: [Value: Int] = [:]

    mutating func number(of value: Value) -> Int {
        if let number = numbers[value] { return number }
        values.append(value)
        numbers[value] = values.count - 1
        return values.count - 1
    }
}

import HengeBase

/// Finds the new owners of positions that have to move, and then swaps owners until windows are
/// spread or moves are used up.
struct PlacementSearch {
    /// By position: the member that claims it without a move, -1 for none.
    private let origins: [Int]
    private let targets: PlacementTargets
    private var arrangement: RingArrangement
    /// Positions that someone claims who isn't their origin.
    private var moves: Int
    /// How many swaps a repair may still try.
    private var swapsLeft = 0
    private var generator: SeededGenerator

    /// Bounds a repair of the largest rings, which would go on for seconds otherwise, in swaps
    /// tried times the square of the window: what trying one costs grows about so.
    private static let workMax = 9 << 20

    init(origins: [Int], targets: PlacementTargets) {
        // The seed is part of the algorithm: another one is another ring.
        var generator = SeededGenerator(seed: 0x52_49_4E_47)
        var filling = PlacementFilling(origins: origins, targets: targets)
        filling.fill(&generator)
        self.origins = origins
        self.targets = targets
        self.generator = generator
        arrangement = RingArrangement(filling.owners, targets)
        moves = zip(origins, filling.owners).count { $0 >= 0 && $0 != $1 }
    }

    /// - Parameter movesMax: of positions with an origin.
    /// - Returns: owners by position.
    mutating func run(movesMax: Int) -> [Int] {
        // First as far as it goes for nothing, then for moves.
        let movesLeast = moves
        repair(movesMax: movesLeast)
        repair(movesMax: movesMax)
        if moves > movesLeast { trim() }
        return arrangement.owners
    }

    /// Swaps positions of bad windows with others until nothing gets better for some rounds.
    private mutating func repair(movesMax: Int) {
        let (roundsMax, idleMax) = (64, 48)
        var idle = 0
        swapsLeft = Self.workMax / (arrangement.window * arrangement.window)
        for _ in 0..<roundsMax where !arrangement.isBest && idle < idleMax && swapsLeft > 0 {
            let before = arrangement.cost
            let bad = origins.indices.filter { arrangement.costOfWindow($0) > 0 }
            let tries = min(origins.count, max(16, 6 * origins.count / bad.count))
            for start in bad where arrangement.costOfWindow(start) > 0 {
                let position = arrangement.wrapped(start + generator.below(arrangement.window))
                swapBest(position, tries: tries, movesMax: movesMax)
            }
            // A last percent isn't worth many rounds, but with few bad windows they are short.
            let isIdle = before - arrangement.cost <= before / 100
            idle = isIdle ? idle + min(8, bad.count) : 0
        }
    }

    /// Swaps a position's owner with the best of some others, unless each makes it worse, or costs
    /// moves and makes nothing better.
    private mutating func swapBest(_ a: Int, tries: Int, movesMax: Int) {
        var best: (cost: Int, moves: Int, position: Int)?
        var left = tries
        // Where hardly any swap is allowed, most are passed over.
        let passes = min(origins.count, 16 * tries)
        var b = generator.below(origins.count)
        for _ in 0..<passes {
            b = b + 1 == origins.count ? 0 : b + 1
            let added = movesAdded(a, b)
            guard arrangement.owners[a] != arrangement.owners[b], moves + added <= movesMax else {
                continue
            }
            let cost = arrangement.exchange(a, b)
            arrangement.restore(a, b)
            let isBetter = best.map { (cost, added) < ($0.cost, $0.moves) } ?? true
            if isBetter, cost < 0 || (cost == 0 && added <= 0) { best = (cost, added, b) }
            left -= 1
            if left == 0 { break }
        }
        swapsLeft -= tries - left
        if let best { swap(a, best.position) }
    }

    /// Takes back moves that make nothing better.
    private mutating func trim() {
        for a in origins.indices where origins[a] >= 0 && arrangement.owners[a] != origins[a] {
            for b in origins.indices where arrangement.owners[b] == origins[a] {
                guard movesAdded(a, b) < 0 else { continue }
                let cost = arrangement.exchange(a, b)
                arrangement.restore(a, b)
                guard cost <= 0 else { continue }
                swap(a, b)
                break
            }
        }
    }

    private mutating func swap(_ a: Int, _ b: Int) {
        moves += movesAdded(a, b)
        arrangement.cost += arrangement.exchange(a, b)
    }

    /// What swapping the owners of two positions adds to the moves, -2...2.
    @inline(__always)
    private func movesAdded(_ a: Int, _ b: Int) -> Int {
        let (ownerA, ownerB) = (arrangement.owners[a], arrangement.owners[b])
        return moved(a, ownerB) + moved(b, ownerA) - moved(a, ownerA) - moved(b, ownerB)
    }

    @inline(__always)
    private func moved(_ position: Int, _ owner: Int) -> Int {
        origins[position] >= 0 && origins[position] != owner ? 1 : 0
    }
}

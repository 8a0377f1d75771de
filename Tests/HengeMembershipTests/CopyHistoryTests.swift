import HengeBase
import HengeMembership
import NIOCore
import Testing

/// Random histories of a small cluster whose data directories are copied, put back and wiped.
@Suite struct CopyHistoryTests {
    @Test("never confirmed when a life of the same or a later start talked to one who remembers it")
    func neverWronglyConfirmed() {
        var confirmed = 0
        var refused = 0
        for seed in UInt64(1)...400 {
            var history = CopyHistory(seed: seed)
            for _ in 0..<120 { history.advance() }
            #expect(history.wrong == 0, "seed \(seed)")
            confirmed += history.confirmed
            refused += history.refused
        }
        // Both do happen, or the histories show nothing.
        #expect(confirmed > 500 && refused > 500)
    }

    @Test("a node that is only restarted is confirmed as soon as all others have answered")
    func restartsAreConfirmed() {
        for seed in UInt64(1)...50 {
            var history = CopyHistory(seed: seed, copies: false)
            for _ in 0..<120 { history.advance() }
            #expect(history.refused == 0 && history.wrong == 0, "seed \(seed)")
            #expect(history.confirmed > 0, "seed \(seed)")
        }
    }
}

private struct CopyHistory {
    /// What lies on a node's disk.
    struct Store {
        var starts: UInt64 = 0
        var ledger: ByteBuffer?
        /// The oracle: every life of each member that this disk was ever told of.
        var met: [Set<UInt64>]
    }

    struct Process {
        var life: UInt64
        var ledger: LifeLedger
        var check: CopyCheck
    }

    static let count = 3
    private let members = MemberIndex((1...3).map { NodeID($0) })
    private let makesCopies: Bool
    private var dice: SeededGenerator
    private var stores: [Store]
    private var copies: [[Store]]
    private var processes: [Process?]
    private(set) var confirmed = 0
    private(set) var refused = 0
    private(set) var wrong = 0

    init(seed: UInt64, copies: Bool = true) {
        dice = SeededGenerator(seed: seed)
        makesCopies = copies
        let empty = Store(met: Array(repeating: [], count: Self.count))
        stores = Array(repeating: empty, count: Self.count)
        self.copies = Array(repeating: [empty], count: Self.count)
        processes = Array(repeating: nil, count: Self.count)
    }

    mutating func advance() {
        let node = dice.below(Self.count)
        switch dice.below(makesCopies ? 10 : 6) {
        case 0...1: if processes[node] == nil { start(node) } else { stop(node) }
        case 2...5:
            if processes[node] == nil { start(node) }
            meet(node, (node + 1 + dice.below(Self.count - 1)) % Self.count)
        case 6...7:
            if processes[node] == nil { copies[node].append(stores[node]) }
        case 8:
            if processes[node] == nil {
                stores[node] = copies[node][dice.below(copies[node].count)]
            }
        default:
            if processes[node] == nil {
                stores[node] = Store(met: Array(repeating: [], count: Self.count))
            }
        }
    }

    private mutating func start(_ node: Int) {
        stores[node].starts += 1
        let life = Life.make(start: stores[node].starts, chance: dice.next())
        processes[node] = Process(
            life: life,
            ledger: LifeLedger(members: members, saved: stores[node].ledger),
            check: CopyCheck(life: life, own: node, members: Self.count)
        )
    }

    private mutating func stop(_ node: Int) {
        processes[node] = nil
        for other in 0..<Self.count { processes[other]?.check.disconnected(node) }
    }

    /// The two connect, and each tells the other what it has met; either answer may get lost.
    private mutating func meet(_ a: Int, _ b: Int) {
        guard processes[a] != nil, processes[b] != nil else { return }
        for (teller, asker) in [(a, b), (b, a)] {
            guard let life = processes[asker]?.life,
                let changed = processes[teller]?.ledger.met(life, of: asker)
            else { continue }
            stores[teller].met[asker].insert(life)
            if changed { stores[teller].ledger = processes[teller]?.ledger.encoded() }
            guard dice.chance(9, in: 10), let ledger = processes[teller]?.ledger else { continue }
            let other = ledger.highestOther(of: asker)
            judge(asker, processes[asker]?.check.answered(teller, otherLife: other))
        }
    }

    private mutating func judge(_ node: Int, _ verdict: Bool?) {
        guard let verdict, let life = processes[node]?.life else { return }
        guard verdict else { return refused += 1 }
        confirmed += 1
        let start = Life.start(of: life)
        for other in 0..<Self.count where other != node {
            let later = stores[other].met[node].contains {
                $0 != life && Life.start(of: $0) >= start
            }
            if later { wrong += 1 }
        }
    }
}

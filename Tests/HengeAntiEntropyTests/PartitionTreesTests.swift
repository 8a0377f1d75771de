import HengeAntiEntropy
import HengeBase
import HengeMessages
import HengeRing
import Testing

@Suite struct PartitionTreesTests {
    @Test("a tree kept by updates is the tree of a look at everything, through growth and folds")
    func histories() {
        for seed in 1...40 as ClosedRange<UInt64> {
            var generator = SeededGenerator(seed: seed)
            var model = RecordModel(keys: 200)
            var trees = readyTrees()
            var finished = 0
            for step in 0..<1_500 {
                let bits = trees[model.partition].bits
                switch generator.below(100) {
                case 0: trees.adjust(partition: model.partition, records: generator.below(200))
                case 1..<4 where trees.scanned == nil:
                    let wanted = min(bits + generator.below(4), 10)
                    trees.beginScan(partition: model.partition, bits: wanted)
                case 4..<50:
                    switch scanStep(&trees, &model, &generator) {
                    case .none: break
                    case .going(let mended): #expect(mended == 0, "seed \(seed), step \(step)")
                    case .done(let mended):
                        #expect(mended == 0, "seed \(seed), step \(step)")
                        finished += 1
                    }
                default: model.randomStep(&trees, &generator)
                }
                let tree = trees[model.partition]
                #expect(tree == model.tree(bits: tree.bits), "seed \(seed), step \(step)")
            }
            #expect(finished > 3, "seed \(seed)")
        }
    }

    /// One question, some writes, its answer, and some writes before that comes.
    private func scanStep(
        _ trees: inout PartitionTrees,
        _ model: inout RecordModel,
        _ generator: inout SeededGenerator
    ) -> ScanProgress {
        guard let tokens = trees.nextScanRange() else { return .none }
        for _ in 0..<generator.below(4) { model.randomStep(&trees, &generator) }
        let page = model.list(tokens, max: 1 + generator.below(80))
        for _ in 0..<generator.below(4) { model.randomStep(&trees, &generator) }
        return trees.scanned(page, pending: model.pending)
    }

    @Test("a scan sets right what is wrong, and says in how many leaves")
    func scrub() {
        for seed in 1...40 as ClosedRange<UInt64> {
            var generator = SeededGenerator(seed: seed)
            var model = RecordModel(keys: 200)
            var trees = readyTrees()
            for _ in 0..<800 { model.randomStep(&trees, &generator) }
            trees.beginScan(partition: model.partition, bits: 4)
            while trees.scanned != nil { _ = scanStep(&trees, &model, &generator) }
            for _ in 0..<5 { model.lose(model.keys[generator.below(200)]) }
            let (old, right) = (trees[model.partition], model.tree(bits: 4))
            let wrong = zip(old.sums, right.sums).count { $0 != $1 }
            var mended = 0
            trees.beginScan(partition: model.partition)
            while trees.scanned != nil {
                switch scanStep(&trees, &model, &generator) {
                case .none: break
                case .going(let some), .done(let some): mended += some
                }
            }
            #expect(mended == wrong, "seed \(seed)")
            #expect(trees[model.partition] == model.tree(bits: 4), "seed \(seed)")
        }
    }

    @Test("a key that is written all the time holds no scan up")
    func hotKey() {
        var model = RecordModel(keys: 10)
        var trees = readyTrees()
        for key in model.keys {
            model.store(key, 7)
            model.complete(&trees)
        }
        let hot = model.keys[0]
        model.store(hot, 8)
        trees.beginScan(partition: model.partition, bits: 3)
        for round in 0..<3 where trees.scanned != nil {
            guard let tokens = trees.nextScanRange() else { break }
            model.complete(&trees)
            model.store(hot, UInt64(100 + round))
            _ = trees.scanned(model.list(tokens, max: 100), pending: model.pending)
        }
        #expect(trees.scanned == nil)
        #expect(trees[model.partition] == model.tree(bits: 3))
    }

    @Test(
        "what changed before the first count is added to it, at the coarser resolution",
        arguments: [(6, 16), (6, 3), (10, 10), (14, 8), (14, 0)]
    )
    func opening(partitionBits: Int, bits: Int) {
        let count = 1 << partitionBits
        var trees = PartitionTrees(partitions: count, partitionBits: partitionBits, saved: nil)
        #expect(!trees.isReady && trees.saved == nil)
        var generator = SeededGenerator(seed: 3)
        var exact = (0..<count).map { _ in LeafSums(bits: bits) }
        var initial = exact
        for index in 0..<400 {
            // The last partition has records at the start, but no changes.
            let top: UInt64 = index % 4 == 0 ? .max << 50 : 0
            let token = Token(rawValue: generator.next() | top)
            let partition = token.partition(bits: partitionBits)
            let change = generator.next()
            exact[partition].add(change, at: token, partitionBits: partitionBits)
            if index % 2 == 1, partition != count - 1 {
                trees.add(change, at: token)
            } else {
                initial[partition].add(change, at: token, partitionBits: partitionBits)
            }
        }
        trees.addInitial(initial)
        #expect(trees.isReady && trees.saved?.count == count)
        for partition in 0..<count {
            let tree = trees[partition]
            #expect(tree == exact[partition].folded(to: tree.bits))
            #expect(trees.root(of: partition) == exact[partition].root)
        }
        #expect(trees[count - 1].bits == bits)
    }

    @Test("resolution: 16 to 64 records a leaf, and no size both grows and folds")
    func resolution() {
        for records in [0, 1, 45, 46, 64, 65, 500, 1_000, 65_537, 1 << 20, 1 << 24] {
            let bits = PartitionTrees.wantedBits(records: records)
            #expect(bits == LeafSums.bitsMax || records <= 64 << bits)
            #expect(bits == 0 || records > 16 << bits)
        }
        var trees = readyTrees()
        #expect(trees.needsGrowth(partition: 0, records: 64) == nil)
        #expect(trees.needsGrowth(partition: 0, records: 65) == 1)
        #expect(trees.needsGrowth(partition: 0, records: 1_000) == 5)
        trees.beginScan(partition: 0, bits: 5)
        #expect(trees.nextScanRange() != nil)
        #expect(trees.scanned(ListPage(), pending: []) == .done(mended: 0))
        trees.adjust(partition: 0, records: 16 << 5)
        #expect(trees[0].bits == 5)
        trees.adjust(partition: 0, records: (16 << 5) - 1)
        #expect(trees[0].bits == 4)
    }

    @Test("at most one byte a key and 1 KiB a partition, also while one partition is scanned")
    func memory() {
        for keys in [0, 10, 100, 1_000, 20_000, 300_000] {
            var trees = readyTrees(partitionBits: 6)
            // The finest that is not folded.
            var bits = 0
            while bits < LeafSums.bitsMax, keys >= 16 << (bits + 1) { bits += 1 }
            for partition in 0..<64 {
                trees.beginScan(partition: partition, bits: bits)
                _ = trees.nextScanRange()
                _ = trees.scanned(ListPage(), pending: [])
                trees.adjust(partition: partition, records: keys)
                #expect(trees[partition].bits == bits)
            }
            trees.beginScan(partition: 0)
            #expect(trees.memory <= 64 * (keys + 1_024), "\(keys)")
            #expect(trees.memory >= 64 * 8 << bits)
        }
    }
}

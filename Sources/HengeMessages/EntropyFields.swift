import HengeBase
import HengeRing

import struct NIOCore.ByteBuffer

/// The fields of an ``EntropyMessage``: u8 kind, then what the kind has.
extension ByteBuffer {
    private static let partitionMax = 16_384

    mutating func writeEntropy(_ message: EntropyMessage) {
        switch message {
        case .roots(let roots, let clocks):
            writeInteger(UInt8(1))
            writeInteger(UInt32(roots.count))
            for root in roots {
                writeInteger(UInt16(root.partition))
                writeInteger(root.root)
            }
            writeTold(clocks)
        case .rootsCompared(let differing, let unready, let clocks):
            writeInteger(UInt8(2))
            writePartitions(differing)
            writePartitions(unready)
            writeTold(clocks)
        case .leaves(let question):
            writeInteger(UInt8(3))
            writeLeafQuestion(question)
        case .leavesCompared(let answer):
            writeInteger(UInt8(4))
            writeInteger(UInt8(answer.bits))
            writeFlag(answer.isEmpty)
            writeInteger(UInt32(answer.differing.count))
            for leaf in answer.differing { writeInteger(UInt16(leaf)) }
        case .versions(let question):
            writeInteger(UInt8(5))
            writeVersionQuestion(question)
        case .versionsCompared(let answer):
            writeInteger(UInt8(6))
            writeVersionAnswer(answer)
        case .agreed(let partitions, let clocks):
            writeInteger(UInt8(7))
            writePartitions(partitions)
            writeClocks(clocks)
        case .askHeld: writeInteger(UInt8(8))
        case .held(let holds):
            writeInteger(UInt8(9))
            writeFlag(holds)
        case .disputed(let key):
            writeInteger(UInt8(10))
            writeKey(key)
        }
    }

    mutating func readEntropy() throws(WireDecodeError) -> EntropyMessage {
        switch try field(UInt8.self) {
        case 1:
            let roots = try readRoots()
            return .roots(roots, clocks: try readTold())
        case 2:
            let differing = try readPartitions()
            let unready = try readPartitions()
            return .rootsCompared(
                differing: differing,
                unready: unready,
                clocks: try readTold()
            )
        case 3: return .leaves(try readLeafQuestion())
        case 4: return .leavesCompared(try readLeafAnswer())
        case 5: return .versions(try readVersionQuestion())
        case 6: return .versionsCompared(try readVersionAnswer())
        case 7:
            let partitions = try readPartitions()
            return .agreed(partitions, clocks: try readClocks())
        case 8: return .askHeld
        case 9: return .held(try readFlag())
        case 10: return .disputed(try readKey())
        default: throw .invalidField("entropy message")
        }
    }

    // MARK: Partitions

    private mutating func writePartitions(_ partitions: [Int]) {
        writeInteger(UInt32(partitions.count))
        for partition in partitions { writeInteger(UInt16(partition)) }
    }

    private mutating func readPartition() throws(WireDecodeError) -> Int {
        let partition = Int(try field(UInt16.self))
        guard partition < Self.partitionMax else { throw .invalidField("partition") }
        return partition
    }

    /// How many items of so many bytes are announced; a hostile count must not reserve memory.
    private mutating func readCount(itemBytes: Int) throws(WireDecodeError) -> Int {
        let count = Int(try field(UInt32.self))
        guard count <= readableBytes / itemBytes else { throw .truncated }
        return count
    }

    private mutating func readPartitions() throws(WireDecodeError) -> [Int] {
        let count = try readCount(itemBytes: 2)
        var partitions: [Int] = []
        partitions.reserveCapacity(count)
        for _ in 0..<count { partitions.append(try readPartition()) }
        return partitions
    }

    private mutating func readRoots() throws(WireDecodeError) -> [PartitionRoot] {
        let count = try readCount(itemBytes: 10)
        var roots: [PartitionRoot] = []
        roots.reserveCapacity(count)
        for _ in 0..<count {
            let partition = try readPartition()
            roots.append(PartitionRoot(partition: partition, root: try field(UInt64.self)))
        }
        return roots
    }

    private mutating func writeClocks(_ clocks: [PartitionClock]) {
        writeInteger(UInt32(clocks.count))
        for clock in clocks {
            writeInteger(UInt16(clock.partition))
            writeVector(clock.clock)
        }
    }

    private mutating func writeTold(_ told: ToldClocks) {
        writeClocks(told.clocks)
        writeFlag(told.isAll)
        writeFlag(told.wantsAll)
    }

    private mutating func readTold() throws(WireDecodeError) -> ToldClocks {
        let clocks = try readClocks()
        let isAll = try readFlag()
        return ToldClocks(clocks, isAll: isAll, wantsAll: try readFlag())
    }

    private mutating func readClocks() throws(WireDecodeError) -> [PartitionClock] {
        let count = try readCount(itemBytes: 6)
        var clocks: [PartitionClock] = []
        clocks.reserveCapacity(count)
        for _ in 0..<count {
            let partition = try readPartition()
            clocks.append(PartitionClock(partition: partition, clock: try readVector()))
        }
        return clocks
    }

    // MARK: Leaves

    private mutating func writeLeafQuestion(_ question: LeafQuestion) {
        writeInteger(UInt16(question.partition))
        writeInteger(UInt8(question.parentBits))
        writeInteger(UInt8(question.bits))
        writeInteger(UInt32(question.parents.count))
        for parent in question.parents { writeInteger(UInt16(parent)) }
        for sum in question.sums { writeInteger(sum) }
    }

    private mutating func readLeafQuestion() throws(WireDecodeError) -> LeafQuestion {
        let partition = try readPartition()
        let parentBits = Int(try field(UInt8.self))
        let bits = Int(try field(UInt8.self))
        guard parentBits <= bits, bits <= LeafSums.bitsMax else { throw .invalidField("leaf bits") }
        let count = try readCount(itemBytes: 2)
        let parents = try readLeaves(count, bits: parentBits)
        let sumCount = count << (bits - parentBits)
        guard sumCount <= readableBytes / 8 else { throw .truncated }
        var sums: [UInt64] = []
        sums.reserveCapacity(sumCount)
        for _ in 0..<sumCount { sums.append(try field(UInt64.self)) }
        return LeafQuestion(
            partition: partition,
            parentBits: parentBits,
            parents: parents,
            bits: bits,
            sums: sums
        )
    }

    private mutating func readLeafAnswer() throws(WireDecodeError) -> LeafAnswer {
        let bits = Int(try field(UInt8.self))
        guard bits <= LeafSums.bitsMax else { throw .invalidField("leaf bits") }
        let isEmpty = try readFlag()
        let count = try readCount(itemBytes: 2)
        let differing = try readLeaves(count, bits: bits)
        return LeafAnswer(bits: bits, differing: differing, isEmpty: isEmpty)
    }

    private mutating func readLeaves(
        _ count: Int,
        bits: Int
    ) throws(WireDecodeError) -> [Int] {
        var leaves: [Int] = []
        leaves.reserveCapacity(count)
        for _ in 0..<count {
            let leaf = Int(try field(UInt16.self))
            guard leaf < 1 << bits, leaves.last.map({ $0 < leaf }) ?? true else {
                throw .invalidField("leaf")
            }
            leaves.append(leaf)
        }
        return leaves
    }

    // MARK: Versions

    private mutating func writeVersionQuestion(_ question: VersionQuestion) {
        writeInteger(UInt16(question.partition))
        writeInteger(question.from.rawValue)
        writeInteger(question.through.rawValue)
        writeInteger(UInt32(question.fingerprints.count))
        for fingerprint in question.fingerprints { writeInteger(fingerprint) }
    }

    private mutating func readVersionQuestion() throws(WireDecodeError) -> VersionQuestion {
        let partition = try readPartition()
        let from = Token(rawValue: try field(UInt64.self))
        let through = Token(rawValue: try field(UInt64.self))
        guard from <= through else { throw .invalidField("range of tokens") }
        let count = try readCount(itemBytes: 8)
        var fingerprints: [UInt64] = []
        fingerprints.reserveCapacity(count)
        for _ in 0..<count { fingerprints.append(try field(UInt64.self)) }
        return VersionQuestion(
            partition: partition,
            from: from,
            through: through,
            fingerprints: fingerprints
        )
    }

    private mutating func writeVersionAnswer(_ answer: VersionAnswer) {
        switch answer {
        case .failed: writeInteger(UInt8(0))
        case .page(let through, let matched, let records):
            writeInteger(UInt8(1))
            writeInteger(through.rawValue)
            writeFlags(matched)
            writeHandedRecords(records)
        }
    }

    private mutating func readVersionAnswer() throws(WireDecodeError) -> VersionAnswer {
        switch try field(UInt8.self) {
        case 0: return .failed
        case 1:
            let through = Token(rawValue: try field(UInt64.self))
            let matched = try readFlags()
            return .page(through: through, matched: matched, records: try readHandedRecords())
        default: throw .invalidField("version answer")
        }
    }

    /// A count, then eight flags a byte, the first in the lowest bit.
    private mutating func writeFlags(_ flags: [Bool]) {
        writeInteger(UInt32(flags.count))
        var byte: UInt8 = 0
        for (index, flag) in flags.enumerated() {
            if flag { byte |= 1 << UInt8(index & 7) }
            if index & 7 == 7 || index == flags.count - 1 {
                writeInteger(byte)
                byte = 0
            }
        }
    }

    private mutating func readFlags() throws(WireDecodeError) -> [Bool] {
        let count = Int(try field(UInt32.self))
        guard (count + 7) / 8 <= readableBytes else { throw .truncated }
        var flags: [Bool] = []
        flags.reserveCapacity(count)
        var byte: UInt8 = 0
        for index in 0..<count {
            if index & 7 == 0 { byte = try field(UInt8.self) }
            flags.append(byte >> UInt8(index & 7) & 1 == 1)
        }
        return flags
    }
}

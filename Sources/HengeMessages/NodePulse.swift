package import HengeBase

import struct NIOCore.ByteBuffer

/// How a node is at a moment, for those who watch the cluster. What is counted is counted since the
/// node's start, so that two pulses of one node tell what came between them, whoever asked for the
/// first.
package struct NodePulse: Hashable, Sendable {
    /// The numbers of a pulse, in the order in which they travel: new ones come last.
    package enum Number: Int, CaseIterable, Sendable {
        /// Since the node's start, in microseconds: tells a life from the one before it.
        case uptime
        /// Requests of clients on one key that have ended well.
        case reads, writes
        /// Those that have not, by why.
        case unavailable, timedOut, overloaded, storageFailures, otherFailures
        /// Clients' requests, and their connections, now.
        case inFlight, clients
        /// What the node holds; keys and bytes of all its partition replicas.
        case keys, bytes, tombstones, siblings
        /// 1 while the first count after a start is under way.
        case isCounting
        /// Bytes.
        case diskFree, diskTotal, residentBytes
        case hintsStored, hintsDelivered, hintsDropped
        /// 1 while an operator has paused delivery.
        case areHintsPaused
        /// Stale replicas that reads mended.
        case readRepairs
        /// Records that comparisons changed here, and that they sent.
        case entropyReceived, entropySent
        case comparisons, comparisonsFailed
        /// Partitions that have not been found equal with all of their home replicas yet.
        case unverified
        /// Seconds since the one of which that is longest ago was.
        case verifiedAge
        /// Of the scrub under way, in millionths.
        case scrubbed
        /// What part of its rate the background may take now, in millionths.
        case backgroundShare
    }

    /// What is kept for another node.
    package struct Hints: Hashable, Sendable {
        package var target: NodeID
        package var count: UInt64
        package var bytes: UInt64
        /// Milliseconds since the first of them was kept.
        package var age: UInt64

        package init(target: NodeID, count: UInt64, bytes: UInt64, age: UInt64) {
            self.target = target
            self.count = count
            self.bytes = bytes
            self.age = age
        }
    }

    /// A comparison with another node that is under way.
    package struct Comparing: Hashable, Sendable {
        package var peer: NodeID
        /// Partitions that differed, and how many of them are still to be mended.
        package var differing: UInt64
        package var left: UInt64

        package init(peer: NodeID, differing: UInt64, left: UInt64) {
            self.peer = peer
            self.differing = differing
            self.left = left
        }
    }

    /// By ``Number``.
    private(set) var numbers = [UInt64](repeating: 0, count: Number.allCases.count)
    /// How long clients waited for requests that were taken on.
    package var readTimes = LatencyHistogram()
    package var writeTimes = LatencyHistogram()
    package var hints: [Hints] = []
    package var comparing: [Comparing] = []
    /// Nil when it was not asked for, or nothing is counted.
    package var heat: PulseHeat?

    package init() {}

    package subscript(number: Number) -> UInt64 {
        get { numbers[number.rawValue] }
        set { numbers[number.rawValue] = newValue }
    }
}

extension ByteBuffer {
    /// Count: u16, then the numbers: u64 each; both histograms; count: u16 and hints, count: u16
    /// and comparisons; a flag, and the heat where there is some.
    mutating func writePulse(_ pulse: NodePulse) {
        writeInteger(UInt16(pulse.numbers.count))
        for number in pulse.numbers { writeInteger(number) }
        writeHistogram(pulse.readTimes)
        writeHistogram(pulse.writeTimes)
        writeInteger(UInt16(clamping: pulse.hints.count))
        for hints in pulse.hints.prefix(Int(UInt16.max)) {
            writeMultipleIntegers(hints.target.rawValue, hints.count, hints.bytes, hints.age)
        }
        writeInteger(UInt16(clamping: pulse.comparing.count))
        for comparing in pulse.comparing.prefix(Int(UInt16.max)) {
            writeMultipleIntegers(comparing.peer.rawValue, comparing.differing, comparing.left)
        }
        writeFlag(pulse.heat != nil)
        if let heat = pulse.heat { writeHeat(heat) }
    }

    mutating func readPulse() throws(WireDecodeError) -> NodePulse {
        var pulse = NodePulse()
        // A node of another version may know of fewer numbers, or of more.
        for index in 0..<Int(try field(UInt16.self)) {
            let value = try field(UInt64.self)
            if let number = NodePulse.Number(rawValue: index) { pulse[number] = value }
        }
        pulse.readTimes = try readHistogram()
        pulse.writeTimes = try readHistogram()
        for _ in 0..<Int(try field(UInt16.self)) {
            pulse.hints.append(
                NodePulse.Hints(
                    target: NodeID(try field(UInt16.self)),
                    count: try field(UInt64.self),
                    bytes: try field(UInt64.self),
                    age: try field(UInt64.self)
                )
            )
        }
        for _ in 0..<Int(try field(UInt16.self)) {
            pulse.comparing.append(
                NodePulse.Comparing(
                    peer: NodeID(try field(UInt16.self)),
                    differing: try field(UInt64.self),
                    left: try field(UInt64.self)
                )
            )
        }
        if try readFlag() { pulse.heat = try readHeat() }
        return pulse
    }

    /// Sum: u64, count: u16, then bucket: u16 and count: u64 of each that is not empty.
    private mutating func writeHistogram(_ histogram: LatencyHistogram) {
        let filled = histogram.filled
        writeInteger(histogram.sumNanoseconds)
        writeInteger(UInt16(filled.count))
        for (bucket, count) in filled { writeMultipleIntegers(UInt16(bucket), count) }
    }

    private mutating func readHistogram() throws(WireDecodeError) -> LatencyHistogram {
        let sum = try field(UInt64.self)
        var filled: [(bucket: Int, count: UInt64)] = []
        for _ in 0..<Int(try field(UInt16.self)) {
            let bucket = Int(try field(UInt16.self))
            guard bucket < LatencyHistogram.bucketCount else { throw .invalidField("bucket") }
            filled.append((bucket: bucket, count: try field(UInt64.self)))
        }
        return LatencyHistogram(filled: filled, sumNanoseconds: sum)
    }
}

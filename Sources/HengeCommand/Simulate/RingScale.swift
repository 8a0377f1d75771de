package import HengeBase
import HengeRing
import HengeServer
package import HengeSimulator

/// What a change of a ring of some size costs.
package struct RingScale: Sendable {
    package let nodes: Int
    package let partitions: Int
    package let change: RingSimulation.Change
    /// To place and to work out the document that begins the change.
    package var planMs = 0.0
    /// Of the documents before the change and while it runs.
    package var documentBytes = 0
    package var changingBytes = 0
    /// Of what voters and learners are sent in place of the second.
    package var deltaBytes = 0
    /// A node's own work, for each epoch at most.
    package var applyMs = 0.0
    package var encodeMs = 0.0
    package var snapshotMs = 0.0
    /// Resident memory of a ring as a shard holds it, nothing moving, and while it changes.
    package var memory = 0
    package var changingMemory = 0
    package var hasEnded = false
    package var report: RingSimulation.Report?
    package var interval = Interval.seconds(1)

    package init(nodes: Int, partitions: Int, change: RingSimulation.Change) {
        self.nodes = nodes
        self.partitions = partitions
        self.change = change
    }

    /// Runs `body` and says how many milliseconds it took.
    static func timed<T>(_ milliseconds: inout Double, _ body: () throws -> T) rethrows -> T {
        let start = ContinuousClock.now
        let result = try body()
        milliseconds = Double((ContinuousClock.now - start) / .microseconds(1)) / 1_000
        return result
    }

    mutating func measureWork(
        _ start: RingDocument,
        _ beginning: RingDocument,
        keeping rings: inout [Ring]
    ) throws {
        documentBytes = start.encoded().count
        let bytes = Self.timed(&encodeMs) { beginning.encoded() }
        changingBytes = bytes.count
        if let delta = beginning.delta(from: start) {
            deltaBytes = delta.encoded().count
            _ = try Self.timed(&applyMs) { try start.applying(delta) }
        }
        _ = Self.timed(&snapshotMs) { Ring(beginning) }
        memory = try Self.memory(start.encoded(), &rings)
        changingMemory = try Self.memory(bytes, &rings)
    }

    /// - Parameter rings: keeps those that are measured, which share nothing, so that the next
    ///   ones don't get the memory of the last.
    private static func memory(_ bytes: [UInt8], _ rings: inout [Ring]) throws -> Int {
        let count = 32
        let before = ProcessMemory.residentBytes
        for _ in 0..<count { rings.append(Ring(try RingDocument.decode(bytes))) }
        return max(0, ProcessMemory.residentBytes - before) / count
    }
}

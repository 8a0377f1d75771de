package import HengeBase

import struct NIOCore.ByteBuffer

/// What a node did for clients second by second, as far back as it keeps that: for those who begin
/// to watch the cluster.
package struct PulseHistory: Hashable, Sendable {
    /// Five minutes, what the dashboard draws.
    package static let secondsMax = 300

    /// How many times fell into one bucket of a ``LatencyHistogram``.
    package struct Times: Hashable, Sendable {
        package var bucket: UInt8
        package var count: UInt32

        package init(bucket: UInt8, count: UInt32) {
            self.bucket = bucket
            self.count = count
        }
    }

    package struct Second: Hashable, Sendable {
        /// Of the node's wall clock, whole seconds since 1970.
        package var time: UInt64
        /// Tenths of a request a second.
        package var reads: UInt32
        package var writes: UInt32
        package var failures: UInt32
        /// The buckets that anything fell into.
        package var readTimes: [Times]
        package var writeTimes: [Times]

        package init(
            time: UInt64,
            reads: UInt32,
            writes: UInt32,
            failures: UInt32,
            readTimes: [Times],
            writeTimes: [Times]
        ) {
            self.time = time
            self.reads = reads
            self.writes = writes
            self.failures = failures
            self.readTimes = readTimes
            self.writeTimes = writeTimes
        }
    }

    /// The oldest first, at most ``secondsMax``.
    package private(set) var seconds: [Second]

    /// - Parameter seconds: the last ``secondsMax`` of them are kept.
    package init(_ seconds: [Second] = []) {
        self.seconds = Array(seconds.suffix(Self.secondsMax))
    }

    /// Adds the newest second; the oldest makes room.
    package mutating func add(_ second: Second) {
        if seconds.count == Self.secondsMax { seconds.removeFirst() }
        seconds.append(second)
    }
}

extension LatencyHistogram {
    /// Without the sum of the times, which a history doesn't keep.
    package init(_ times: [PulseHistory.Times]) {
        self.init(
            filled: times.map { (bucket: Int($0.bucket), count: UInt64($0.count)) },
            sumNanoseconds: 0
        )
    }

    /// As a history keeps it.
    package var times: [PulseHistory.Times] {
        filled.map {
            PulseHistory.Times(bucket: UInt8($0.bucket), count: UInt32(clamping: $0.count))
        }
    }
}

extension ByteBuffer {
    /// Count: u16, then of each second its time: u64, reads, writes and failures: u32 each, and
    /// both times: count: u8, then bucket: u8 and count: u32 of each.
    mutating func writeHistory(_ history: PulseHistory) {
        writeInteger(UInt16(history.seconds.count))
        for second in history.seconds {
            writeMultipleIntegers(second.time, second.reads, second.writes, second.failures)
            writeTimes(second.readTimes)
            writeTimes(second.writeTimes)
        }
    }

    mutating func readHistory() throws(WireDecodeError) -> PulseHistory {
        let count = Int(try field(UInt16.self))
        guard count <= PulseHistory.secondsMax else { throw .invalidField("seconds") }
        var seconds: [PulseHistory.Second] = []
        for _ in 0..<count {
            seconds.append(
                PulseHistory.Second(
                    time: try field(UInt64.self),
                    reads: try field(UInt32.self),
                    writes: try field(UInt32.self),
                    failures: try field(UInt32.self),
                    readTimes: try readTimes(),
                    writeTimes: try readTimes()
                )
            )
        }
        return PulseHistory(seconds)
    }

    private mutating func writeTimes(_ times: [PulseHistory.Times]) {
        // A histogram has fewer buckets than that.
        writeInteger(UInt8(clamping: times.count))
        for time in times.prefix(Int(UInt8.max)) {
            writeMultipleIntegers(time.bucket, time.count)
        }
    }

    private mutating func readTimes() throws(WireDecodeError) -> [PulseHistory.Times] {
        var times: [PulseHistory.Times] = []
        for _ in 0..<Int(try field(UInt8.self)) {
            let bucket = try field(UInt8.self)
            guard Int(bucket) < LatencyHistogram.bucketCount else { throw .invalidField("bucket") }
            times.append(PulseHistory.Times(bucket: bucket, count: try field(UInt32.self)))
        }
        return times
    }
}

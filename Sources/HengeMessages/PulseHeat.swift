package import struct NIOCore.ByteBuffer

/// What clients asked a node for most of late, and the stretches of tokens by minute.
package struct PulseHeat: Hashable, Sendable {
    package struct Key: Hashable, Sendable {
        package var token: UInt64
        /// The beginning of the stored key; empty for one that was seen once only.
        package var stored: ByteBuffer
        /// Bytes of the whole stored key.
        package var storedLength: UInt32
        package var reads: UInt64
        package var writes: UInt64
        package var bytes: UInt64
        /// By how much the requests may be more than those counted.
        package var error: UInt64

        package init(
            token: UInt64,
            stored: ByteBuffer,
            storedLength: UInt32,
            reads: UInt64,
            writes: UInt64,
            bytes: UInt64,
            error: UInt64
        ) {
            self.token = token
            self.stored = stored
            self.storedLength = storedLength
            self.reads = reads
            self.writes = writes
            self.bytes = bytes
            self.error = error
        }
    }

    /// Keys that are told at most.
    package static let keysMax = 64
    static let storedBytesMax = 512
    /// Of a heat map.
    static let minutesMax = 60
    static let rangesMax = 64

    /// How far back the keys go.
    package var seconds: UInt32
    package var reads: UInt64
    package var writes: UInt64
    package var bytes: UInt64
    /// Requests that a key which is not listed has at most.
    package var least: UInt64
    /// Most requests first.
    package var keys: [Key]
    /// Requests by minute, the current one last, and by equal stretch of the tokens.
    package var minutes: [[UInt32]]

    package init(
        seconds: UInt32,
        reads: UInt64,
        writes: UInt64,
        bytes: UInt64,
        least: UInt64,
        keys: [Key],
        minutes: [[UInt32]]
    ) {
        self.seconds = seconds
        self.reads = reads
        self.writes = writes
        self.bytes = bytes
        self.least = least
        self.keys = keys
        self.minutes = minutes
    }
}

extension ByteBuffer {
    /// Seconds: u32, reads, writes, bytes, least: u64 each; count: u16 and keys; minutes and
    /// ranges: u8 each, then as many u32.
    mutating func writeHeat(_ heat: PulseHeat) {
        writeMultipleIntegers(heat.seconds, heat.reads, heat.writes, heat.bytes, heat.least)
        let keys = heat.keys.prefix(PulseHeat.keysMax)
        writeInteger(UInt16(keys.count))
        for key in keys {
            writeInteger(key.token)
            let stored = key.stored.readableBytesView.prefix(PulseHeat.storedBytesMax)
            writeInteger(UInt16(stored.count))
            writeBytes(stored)
            writeInteger(key.storedLength)
            writeMultipleIntegers(key.reads, key.writes, key.bytes, key.error)
        }
        let minutes = heat.minutes.suffix(PulseHeat.minutesMax)
        let ranges = min(minutes.map(\.count).min() ?? 0, PulseHeat.rangesMax)
        writeMultipleIntegers(UInt8(minutes.count), UInt8(ranges))
        for minute in minutes {
            for count in minute.prefix(ranges) { writeInteger(count) }
        }
    }

    mutating func readHeat() throws(WireDecodeError) -> PulseHeat {
        var heat = PulseHeat(
            seconds: try field(UInt32.self),
            reads: try field(UInt64.self),
            writes: try field(UInt64.self),
            bytes: try field(UInt64.self),
            least: try field(UInt64.self),
            keys: [],
            minutes: []
        )
        let count = Int(try field(UInt16.self))
        guard count <= PulseHeat.keysMax else { throw .invalidField("hot keys") }
        for _ in 0..<count { heat.keys.append(try readHeatKey()) }
        let minutes = Int(try field(UInt8.self))
        let ranges = Int(try field(UInt8.self))
        guard minutes <= PulseHeat.minutesMax, ranges <= PulseHeat.rangesMax else {
            throw .invalidField("heat map")
        }
        for _ in 0..<minutes {
            var minute: [UInt32] = []
            for _ in 0..<ranges { minute.append(try field(UInt32.self)) }
            heat.minutes.append(minute)
        }
        return heat
    }

    private mutating func readHeatKey() throws(WireDecodeError) -> PulseHeat.Key {
        let token = try field(UInt64.self)
        let length = Int(try field(UInt16.self))
        guard length <= PulseHeat.storedBytesMax else { throw .invalidField("hot key") }
        guard let stored = readSlice(length: length) else { throw .truncated }
        return PulseHeat.Key(
            token: token,
            stored: stored,
            storedLength: try field(UInt32.self),
            reads: try field(UInt64.self),
            writes: try field(UInt64.self),
            bytes: try field(UInt64.self),
            error: try field(UInt64.self)
        )
    }
}

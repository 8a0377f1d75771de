import HengeBase
import HengeMessages
import Testing

import struct NIOCore.ByteBuffer

#if canImport(Glibc)
    import Glibc
#endif

/// Bytes from a peer never trap, and what is accepted means the same after another trip.
@Suite struct PeerMessageFuzzTests {
    @Test("random bytes after every type")
    func randomBytes() {
        for seed in UInt64(0)..<20_000 {
            var random = SeededGenerator(seed: seed)
            var payload = ByteBuffer()
            payload.writeInteger(UInt8(random.below(23)))
            payload.writeInteger(random.next())
            var rest = random.anyBuffer(upTo: 60)
            if random.chance(1, in: 2) {
                // Small numbers, so that many get past the first checks.
                rest = ByteBuffer(bytes: rest.readableBytesView.map { $0 & 0x03 })
            }
            payload.writeImmutableBuffer(rest)
            _ = check(payload, seed)
        }
    }

    @Test("every truncation and every addition is an error")
    func truncations() throws {
        for seed in UInt64(0)..<200 {
            var random = SeededGenerator(seed: seed)
            let whole = bytes(random.anyMessage(kind: Int(seed) % SeededGenerator.messageKinds))
            for length in 0..<whole.readableBytes {
                guard let part = whole.getSlice(at: 0, length: length) else { continue }
                if check(part, seed) { Issue.record("accepted: seed \(seed), length \(length)") }
            }
            var longer = whole
            longer.writeInteger(UInt8(0))
            #expect(throws: WireDecodeError.trailingBytes(1), "seed \(seed)") {
                try PeerMessageCodec.read(longer)
            }
        }
    }

    @Test("single flipped bits")
    func bitFlips() {
        for seed in UInt64(0)..<150 {
            var random = SeededGenerator(seed: seed)
            let whole = bytes(random.anyMessage(kind: Int(seed) % SeededGenerator.messageKinds))
            for bit in 0..<min(whole.readableBytes, 300) * 8 {
                var flipped = whole
                let byte = flipped.getInteger(at: bit / 8, as: UInt8.self) ?? 0
                flipped.setInteger(byte ^ 1 << UInt8(bit % 8), at: bit / 8)
                _ = check(flipped, seed)
            }
        }
    }

    @Test("a huge length or count in any place is an error and reserves nothing")
    func hugeLengths() {
        let before = virtualMemoryPeak()
        for seed in UInt64(0)..<200 {
            var random = SeededGenerator(seed: seed)
            let whole = bytes(random.anyMessage(kind: Int(seed) % SeededGenerator.messageKinds))
            for index in 9..<max(10, min(whole.readableBytes - 3, 200)) {
                for length in [UInt32.max, 0x7FFF_FFFF, 0x1000_0000] {
                    var huge = whole
                    huge.setInteger(length, at: index)
                    _ = check(huge, seed)
                }
            }
        }
        // One reservation by a count of 0x1000_0000 would be gigabytes.
        #expect(virtualMemoryPeak() - before < 1 << 30)
    }

    @Test("each rule has its error")
    func rules() {
        for short in ["", "00"] { expect(short, .truncated) }
        expect("00" + id, .unknownType(0))
        expect("17" + id, .unknownType(23))
        expect("09" + id + epoch + "00", .trailingBytes(1))
        expect("02" + id + "04", .invalidField("store result"))
        expect("02" + id + "0100", .invalidField("storage failure"))
        expect("03" + id + epoch + "00000001" + "03", .invalidField("fetch kind"))
        expect("04" + id + "04", .invalidField("fetch result"))
        expect("04" + id + "0002", .invalidField("object"))
        expect("04" + id + "0001" + "00000001" + "03", .invalidObject(.unknownFormat(3)))
        expect("05" + id + epoch + "00000001" + "00", .invalidField("consistency"))
        expect("05" + id + epoch + "00000001" + "09", .invalidField("consistency"))
        expect("05" + id + epoch + "00000001" + "f1f4", .invalidField("consistency"))
        expect(
            "05" + id + epoch + "00000001" + "f1f2" + "00" + "00000001" + "00", .invalidField("key")
        )
        expect("06" + id + "05", .invalidField("response"))
        expect("06" + id + "0102", .truncated)
        expect("06" + id + "01" + "ffffffff", .truncated)
        expect("06" + id + "01" + "00000001" + actor + counter0, .invalidField("vector"))
        expect("06" + id + "01" + "00000002" + entry + entry, .invalidField("vector"))
        expect("06" + id + "0202", .invalidField("flag"))
        expect("06" + id + "0311", .invalidField("reports"))
        expect("06" + id + "0301" + "0001" + "04", .invalidField("report"))
        expect("06" + id + "04" + "08" + "0000000000000000", .invalidField("failure"))
        expect("05" + id + epoch + "00000001" + "f1f2" + "04", .invalidField("request flags"))
        expect("11" + id + "0001" + actor + "00000000" + "00", .invalidField("transfer request"))
        expect("16" + id + "09", .invalidField("legs"))
        expect("16" + id + "01" + "0001" + epoch + "02", .invalidField("flag"))
        expect("16" + id + "01" + "0001" + epoch + "00" + "0101", .invalidField("steps"))
        expect("16" + id + "01" + "0001" + epoch + "00" + "0100", .truncated)
        expect(step + "00", .invalidField("event"))
        expect(step + "16", .invalidField("event"))
        expect(step + "04" + "0001" + "02", .invalidField("flag"))
        expect(step + "06" + "0001" + "03", .invalidField("fetch kind"))
        expect(step + "07" + "0001" + "05", .invalidField("finding"))
        expect(step + "0b" + "0001" + "04", .invalidField("store result"))
        expect(step + "0f" + "0001" + "03", .invalidField("hint"))
        expect("11" + id + "0001" + actor + "00000001" + "02", .invalidField("flag"))
        expect("12" + id + "04", .invalidField("transfer result"))
        expect("12" + id + "00" + "00" + actor + actor + "ffffffff", .truncated)
        expect(
            "12" + id + "00" + "00" + actor + actor + "00000001" + actor + counter0,
            .invalidField("skipped range")
        )
        expect("0b" + id + "ffffffff", .truncated)
        expect("0c" + id + "03", .invalidField("hand-off result"))
        expect("0d" + id + "04", .invalidField("gossip"))
        expect("0d" + id + "00ffffffff", .truncated)
        expect("08" + id + "0102", .invalidField("flag"))
        expect("08" + id + "0100" + "ffffffff", .truncated)
        expect("0a" + id + "ffffffff" + "0000000000000000", .truncated)
        let disk = String(repeating: "0", count: 32)
        expect("14" + id + "0a", .invalidField("facts"))
        // A pulse of no numbers: a bucket, keys and minutes that there can't be.
        let sum = "0000000000000000"
        let empty = sum + "0000"
        expect("14" + id + "07" + "0000" + sum + "0001" + "00c0", .invalidField("bucket"))
        let heat = "14" + id + "07" + "0000" + empty + empty + "0000" + "0000" + "01" + "00000000"
        expect(heat + sum + sum + sum + sum + "0041", .invalidField("hot keys"))
        expect(heat + sum + sum + sum + sum + "0000" + "3d00", .invalidField("heat map"))
        expect(heat + sum + sum + sum + sum + "0000" + "0201" + "00000001", .truncated)
        expect("14" + id + "09" + "012d", .invalidField("seconds"))
        expect("14" + id + "09" + "0001" + sum, .truncated)
        let rates = String(repeating: "0", count: 24)
        expect("14" + id + "09" + "0001" + sum + rates + "01" + "c0", .invalidField("bucket"))
        expect("14" + id + "01" + disk + "00004001", .invalidField("partitions"))
        expect("14" + id + "01" + disk + "00000001" + "0000000000000000", .truncated)
    }

    @Test("a scan of nothing, or of an endless bucket name, is refused")
    func scanRanges() {
        let bucket256 = "00000100" + String(repeating: "61", count: 256)
        let tail = "00000001" + "00000001" + "0000000000000000"
        func scan(_ from: String, _ through: String, _ rest: String) -> String {
            let token = String(repeating: "0", count: 14)
            return "07" + id + epoch + "00000001" + token + from + token + through + rest
        }
        expect(scan("02", "01", "00000000" + tail), .invalidField("scan range"))
        expect(scan("01", "01", bucket256 + tail), .invalidField("scan range"))
        let noLimit = "00000000" + "00000000" + "00000001" + "0000000000000000"
        expect(scan("01", "01", noLimit), .invalidField("scan range"))
        let noExamined = "00000000" + "00000001" + "00000000" + "0000000000000000"
        expect(scan("01", "01", noExamined), .invalidField("scan range"))
    }

    @Test("each rule of anti-entropy has its error")
    func entropyRules() {
        func entropy(_ rest: String, _ error: WireDecodeError) { expect("0e" + id + rest, error) }
        let sum = "0000000000000009"
        entropy("00", .invalidField("entropy message"))
        entropy("0b", .invalidField("entropy message"))
        entropy("01" + "ffffffff" + sum + sum, .truncated)
        entropy("01" + "00000001" + "4000" + sum, .invalidField("partition"))
        entropy("07" + "00000001" + "0001" + "ffffffff" + sum, .truncated)
        // Parents finer than leaves, leaves finer than any tree.
        entropy("03" + "0001" + "0201" + "00000000", .invalidField("leaf bits"))
        entropy("03" + "0001" + "0111" + "00000000", .invalidField("leaf bits"))
        // A parent that isn't there, two that don't rise, and one sum where there should be two.
        entropy("03" + "0001" + "0102" + "00000001" + "0002" + sum, .invalidField("leaf"))
        entropy("03" + "0001" + "0101" + "00000002" + "00010001" + sum, .invalidField("leaf"))
        entropy("03" + "0001" + "0001" + "00000001" + "0000" + sum, .truncated)
        // 2^16 sums for each parent.
        entropy("03" + "0001" + "0010" + "00000001" + "0000" + sum, .truncated)
        entropy("04" + "11" + "00" + "00000000", .invalidField("leaf bits"))
        entropy("04" + "01" + "00" + "00000002" + "0001" + "0000", .invalidField("leaf"))
        entropy("05" + "0001" + sum + "0000000000000008", .invalidField("range of tokens"))
        entropy("05" + "0001" + sum + sum + "20000000" + sum, .truncated)
        entropy("06" + "02", .invalidField("version answer"))
        entropy("06" + "01" + sum + "ffffffff" + "ff", .truncated)
        entropy("06" + "01" + sum + "00000009" + "ff", .truncated)
        entropy("09" + "02", .invalidField("flag"))
    }

    @Test("each rule of ring messages and reports has its error")
    func ringRules() {
        let zero = "0000000000000000"
        let amounts = String(repeating: zero, count: 7)
        expect("0f" + id + "00", .invalidField("ring message"))
        expect("0f" + id + "01" + id, .truncated)
        expect("10" + id + id + "ffff" + amounts + "00", .truncated)
        expect("10" + id + id + "0001" + "4000" + amounts, .invalidField("ready partition"))
        // Each once, ascending.
        expect("10" + id + id + "0002" + "00020002" + amounts, .invalidField("ready partition"))
        expect("10" + id + id + "0002" + "00030002" + amounts, .invalidField("ready partition"))
        let huge = "0020000000000001" + String(repeating: zero, count: 6)
        let none = "0000"
        expect("10" + id + id + none + "00" + none + huge, .invalidField("transfer progress"))
        expect(
            "10" + id + id + none + "00" + none + amounts + "06", .invalidField("transfer wait"))
        expect("10" + id + id + none + "01" + none + amounts + "0200", .truncated)
        expect("10" + id + id + none + "01" + none + amounts + "0000", .trailingBytes(1))
        expect("10" + id + id + none + "02" + none + amounts + "00", .invalidField("drained"))
        let falling = "0002" + "00030002"
        expect(
            "10" + id + id + none + "00" + falling + amounts, .invalidField("unreached member"))
        expect("10" + id + id + none + "00" + "ffff" + amounts, .truncated)
    }

    private let id = "0000000000000001"
    private let epoch = "0000000000000001"
    /// Up to the event of the one step.
    private var step: String { "16" + id + "01" + "0001" + epoch + "00" + "0001" + actor }
    private let actor = "0000000000000007"
    private let counter0 = "0000000000000000"
    private let entry = "0000000000000007" + "0000000000000001"

    private func expect(
        _ text: String,
        _ error: WireDecodeError,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(throws: error, sourceLocation: sourceLocation) {
            try PeerMessageCodec.read(try #require(unhex(text)))
        }
    }

    /// Whether the bytes are accepted; if so, the message must survive another trip.
    private func check(_ payload: ByteBuffer, _ seed: UInt64) -> Bool {
        guard let message = try? PeerMessageCodec.read(payload) else { return false }
        if (try? PeerMessageCodec.read(bytes(message))) != message {
            Issue.record("changed by another trip: seed \(seed)")
        }
        return true
    }

    /// The most address space this process ever had, in bytes: it counts what is reserved and never
    /// touched. 0 where the system doesn't tell.
    private func virtualMemoryPeak() -> Int {
        #if canImport(Glibc)
            guard let file = fopen("/proc/self/status", "r") else { return 0 }
            defer { fclose(file) }
            var line = [CChar](repeating: 0, count: 256)
            while fgets(&line, Int32(line.count), file) != nil {
                let text = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self)
                guard text.hasPrefix("VmPeak:") else { continue }
                return (Int(text.filter(\.isNumber)) ?? 0) * 1024
            }
        #endif
        return 0
    }
}

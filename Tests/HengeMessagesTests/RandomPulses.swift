import HengeBase
import HengeMessages
import HengeRing
import Testing

import struct NIOCore.ByteBuffer

/// Random pulses of nodes.
extension SeededGenerator {
    mutating func anyPulse() -> NodePulse {
        var pulse = NodePulse()
        for number in NodePulse.Number.allCases where chance(1, in: 2) { pulse[number] = next() }
        for _ in 0..<below(30) { pulse.readTimes.record(anyInterval()) }
        for _ in 0..<below(30) { pulse.writeTimes.record(anyInterval()) }
        for _ in 0..<below(5) {
            pulse.hints.append(
                NodePulse.Hints(target: anyNode(), count: next(), bytes: next(), age: next())
            )
        }
        for _ in 0..<below(5) {
            pulse.comparing.append(
                NodePulse.Comparing(peer: anyNode(), differing: next(), left: next())
            )
        }
        if chance(1, in: 2) { pulse.heat = anyHeat() }
        return pulse
    }

    mutating func anyHistory() -> PulseHistory {
        func any32() -> UInt32 { UInt32(truncatingIfNeeded: next()) }
        func anyTimes() -> [PulseHistory.Times] {
            (0..<below(20)).map { _ in
                PulseHistory.Times(
                    bucket: UInt8(below(LatencyHistogram.bucketCount)), count: any32())
            }
        }
        return PulseHistory(
            (0..<below(PulseHistory.secondsMax + 1)).map { _ in
                PulseHistory.Second(
                    time: next(), reads: any32(), writes: any32(), failures: any32(),
                    readTimes: anyTimes(), writeTimes: anyTimes())
            }
        )
    }

    private mutating func anyNode() -> NodeID { NodeID(UInt16(below(1 << 16))) }

    private mutating func anyHeat() -> PulseHeat {
        let ranges = below(65)
        return PulseHeat(
            seconds: UInt32(below(1 << 20)),
            reads: next(),
            writes: next(),
            bytes: next(),
            least: next(),
            keys: (0..<below(65)).map { _ in
                PulseHeat.Key(
                    token: next(),
                    stored: anyBuffer(upTo: 300),
                    storedLength: UInt32(below(1 << 17)),
                    reads: next(),
                    writes: next(),
                    bytes: next(),
                    error: next()
                )
            },
            minutes: (0..<below(61)).map { _ in (0..<ranges).map { _ in UInt32(below(1 << 30)) } }
        )
    }
}

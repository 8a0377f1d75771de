import Benchmark
import HengeBase
import HengeMessages
import HengeRESP
import HengeRequestModel
import NIOCore

/// Bytes of messages between nodes and of clients' commands.
func codecBenchmarks() {
    let object = SampleObjects.object(counter: 1)
    let id = RequestID(rawValue: 7)
    let store = PeerMessage.store(id, Samples.key, object, timeout: .seconds(1), epoch: 3)
    Benchmark("a store, framed and written") { benchmark in
        var out = ByteBuffer()
        for _ in benchmark.scaledIterations {
            out.clear()
            Frame.write(into: &out) { PeerMessageCodec.write(store, into: &$0) }
        }
        blackHole(out)
    }
    Benchmark("a store, read from its frame") { benchmark in
        var frame = ByteBuffer()
        Frame.write(into: &frame) { PeerMessageCodec.write(store, into: &$0) }
        benchmark.startMeasurement()
        for _ in benchmark.scaledIterations {
            var bytes = frame
            if let payload = try Frame.read(from: &bytes) {
                blackHole(try PeerMessageCodec.read(payload))
            }
        }
    }
    let set = ByteBuffer(
        string: "*3\r\n$3\r\nSET\r\n$16\r\nkey:000000000001\r\n$100\r\n"
            + String(repeating: "v", count: 100) + "\r\n"
    )
    Benchmark("a SET of 100 bytes, parsed") { benchmark in
        var parser = RESPRequestParser()
        for _ in benchmark.scaledIterations {
            var inbox = set
            blackHole(try parser.next(&inbox))
        }
    }
}

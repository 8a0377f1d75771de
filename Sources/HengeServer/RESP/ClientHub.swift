import HengeBase
import HengeRESP
import NIOCore

/// What all client sessions of a shard share.
///
/// Confined to the driver's event loop.
final class ClientHub {
    let driver: NodeDriver
    let commands = CommandTable()
    let limits: RESPLimits
    /// Random, as Redis's `run_id`: tells one run of the node from another.
    let runID: String
    // Unchecked, as in NodeDriver, is what each request touches (decision 0033): none is held while
    // a session is called.
    @exclusivity(unchecked) var counters = ClientCounters()
    /// While it is set, sessions begin no more commands.
    @exclusivity(unchecked) var isDraining = false
    private let sloppyBuckets: Set<ByteBuffer>
    private(set) var sessions: [Int: ClientSession] = [:]
    private var lastID = 0
    @exclusivity(unchecked) private var buffers: [ByteBuffer] = []
    @exclusivity(unchecked) private(set) var heldBytes = 0
    @exclusivity(unchecked) private(set) var inputBytes = 0
    @exclusivity(unchecked) private var awaiting: [ClientSession] = []
    /// This shard's part of what all may hold.
    private let heldBytesMax: Int
    private let inputBytesMax: Int

    /// Output buffers kept for the next session that has something to say.
    private static let buffersMax = 64
    private static let bufferBytes = 2048
    /// Larger ones are let go.
    private static let bufferBytesMax = 64 * 1024
    /// Bytes of replies that all connections of a node may hold for clients that do not read;
    /// beyond, each has one request at a time.
    private static let heldBytesMax = 256 << 20
    /// Bytes of requests that are still arriving, of all connections of a node; beyond, one that
    /// has sent more than its share is refused.
    private static let inputBytesMax = 512 << 20
    private static let inputBytesShare = 1 << 20

    init(driver: NodeDriver) {
        self.driver = driver
        sloppyBuckets = Set(driver.settings.sloppyBuckets.map { ByteBuffer(string: $0) })
        let valueBytesMax = driver.settings.valueBytesMax
        // A little more than the limit passes, so that a value or key over it gets its own error.
        limits = RESPLimits(argumentBytesMax: valueBytesMax + (128 << 10))
        runID = hexadecimal(.random(in: 0 ... .max), .random(in: 0 ... .max)) + "00000000"
        heldBytesMax = Self.heldBytesMax / driver.slice.count
        inputBytesMax = Self.inputBytesMax / driver.slice.count
        driver.hub = self
    }

    func add(_ session: ClientSession) {
        sessions[session.connection.id] = session
        counters.connectionsReceived += 1
    }

    func remove(_ session: ClientSession) {
        sessions[session.connection.id] = nil
    }

    func nextID() -> Int {
        lastID += 1
        // No two shards give the same.
        return (lastID - 1) * driver.slice.count + driver.slice.index + 1
    }

    /// Whether requests on the bucket are sloppy where neither they nor their connection say.
    func isSloppy(_ bucket: ByteBuffer) -> Bool {
        !sloppyBuckets.isEmpty && sloppyBuckets.contains(bucket)
    }

    // MARK: Memory

    var isFull: Bool { heldBytes >= heldBytesMax }

    func count(held change: Int) {
        heldBytes += change
        guard !awaiting.isEmpty, heldBytes < heldBytesMax / 2 else { return }
        let woken = awaiting
        awaiting.removeAll()
        for session in woken {
            session.awaitsHub = false
            session.wake()
        }
    }

    func count(input change: Int) {
        inputBytes += change
    }

    /// Whether a request of which so much has arrived is one too many.
    func refuses(inputBytes bytes: Int) -> Bool {
        inputBytes > inputBytesMax && bytes > Self.inputBytesShare
    }

    /// Has the session woken once all together hold less.
    func wakeLater(_ session: ClientSession) {
        guard !session.awaitsHub else { return }
        session.awaitsHub = true
        awaiting.append(session)
    }

    // MARK: Output buffers

    func takeBuffer() -> ByteBuffer {
        buffers.popLast() ?? ByteBufferAllocator().buffer(capacity: Self.bufferBytes)
    }

    /// Takes back a buffer that has been written out, and leaves an empty one.
    ///
    /// - Parameter buffer: where it is kept and not a copy: a second reference to its storage would
    ///   have a new one made each time.
    func giveBack(_ buffer: inout ByteBuffer) {
        defer { buffer = ByteBuffer() }
        guard buffers.count < Self.buffersMax, buffer.capacity <= Self.bufferBytesMax else {
            return
        }
        // Keeps the storage if the write is already done, and takes a new one otherwise.
        buffer.clear()
        buffers.append(buffer)
    }
}

/// What the RESP front end has seen; numbers that only rise.
struct ClientCounters: Sendable {
    var connectionsReceived = 0
    /// Connections over the limit, told so and closed.
    var connectionsRejected = 0
    var commands = 0
    var protocolErrors = 0
    /// Requests answered TIMEOUT because they had waited too long to be begun.
    var requestsExpired = 0
    /// Plain reads that found several live siblings and showed the newest.
    var conflictsSeen = 0
    var bytesRead = 0
    var bytesWritten = 0
}

/// 16 hexadecimal digits for each number.
func hexadecimal(_ numbers: UInt64...) -> String {
    numbers.map { number in
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }.joined()
}

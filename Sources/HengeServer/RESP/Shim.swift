import HengeBase
import HengeCausality
import HengeMessages
package import HengeNode
import HengeRESP
package import NIOCore
import NIOPosix
import HengeRing
package final class ClientSession: ChannelInboundHandler {
    package typealias InboundIn = ByteBuffer
    var inbox = ReceiveBuffer()
    var parser = RESPRequestParser(limits: RESPLimits())
    let driver: NodeDriver
    var out = ByteBuffer()
    var channel: (any Channel)?
    var replies: [ShardReply?] = []
    var base = 0
    var dirty = false
    let bucket = ByteBuffer(string: "default")
    let w = RESPWriter(.v2)
    init(_ d: NodeDriver) { driver = d }
    package func channelActive(context: ChannelHandlerContext) { channel = context.channel }
    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        inbox.append(unwrapInboundIn(data))
        do {
            while let c = try parser.next(&inbox.bytes) {
                if c.name == "PING" { w.pong(into: &out); mark() }
                else if c.name == "GET" {
                    replies.append(nil)
                    driver.submit(ClientRequest(key: StoredKey(bucket: bucket, key: c[1]), operation: .read, levels: driver.settings.levels, timeout: .seconds(2)), for: self, slot: base + replies.count - 1)
                } else if c.name == "SET" {
                    replies.append(nil)
                    driver.submit(ClientRequest(key: StoredKey(bucket: bucket, key: c[1]), operation: .write(Mutation(content: .value(c[2]))), levels: driver.settings.levels, timeout: .seconds(2)), for: self, slot: base + replies.count - 1)
                } else { w.error("ERR unknown", into: &out); mark() }
            }
        } catch { context.close(promise: nil) }
        inbox.settle()
    }
    func mark() { if !dirty { dirty = true; driver.flushLater(self) } }
    package func complete(_ slot: Int, _ reply: ShardReply) {
        replies[slot - base] = reply
        var n = 0
        while n < replies.count, let r = replies[n] {
            switch r {
            case .response(.object(let o)): if let v = o?.newestLive(at: driver.wall) { w.bulk(v.value, into: &out) } else { w.null(into: &out) }
            case .response(.written): w.ok(into: &out)
            case .response(.failed(let f)): w.error("ERR \(f)", into: &out)
            default: w.error("ERR x", into: &out)
            }
            n += 1
        }
        if n > 0 { replies.removeFirst(n); base += n; mark() }
    }
    package func flush() { dirty = false; channel?.writeAndFlush(out, promise: nil); out.clear() }
}
final class ClientListener {
 let driver: NodeDriver
 let group: any EventLoopGroup
 init(driver: NodeDriver, group: any EventLoopGroup) { self.driver = driver; self.group = group }
 func listen(on a: HostPort) -> EventLoopFuture<Void> { 
  let d = NIOLoopBound(driver, eventLoop: driver.eventLoop)
  return ServerBootstrap(group: group).serverChannelOption(.socketOption(.so_reuseaddr), value: 1).childChannelOption(.socketOption(.tcp_nodelay), value: 1).childChannelInitializer { ch in ch.eventLoop.makeCompletedFuture { try ch.pipeline.syncOperations.addHandler(ClientSession(d.value)) } }.bind(host: a.host, port: Int(a.port)).map { _ in } }
 func stopAccepting() {}
 func stop() {} }

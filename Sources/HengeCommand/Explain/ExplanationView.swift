package import HengeClient

package import struct NIOCore.ByteBuffer

/// What `HENGE.EXPLAIN` tells of a request.
package struct ExplanationView: Sendable {
    package struct Replica: Sendable {
        package var node: String
        package var zone: String
        package var state: String
        /// `replica`; `current`, `next` or `both` while the key moves; `stand-in`.
        package var role: String
        /// Whom a stand-in stands in for.
        package var home: String?
    }

    package struct Version: Equatable, Sendable {
        package var digest: String
        /// Nil where the digest is all that is known.
        package var siblings: Int?
        package var bytes: Int?
    }

    package struct Step: Sendable {
        /// Who saw it.
        package var node: String
        package var afterUs: Int
        package var event: String
        package var peer: String?
        package var version: Version?
        /// What a replica had, what became of a store, and the like.
        package var result: String?
        /// What is asked for, or whom a stand-in stands in for.
        package var object: String?
        package var isHedge: Bool
        package var epoch: Int?
        package var reads: Int
        package var writes: Int
    }

    package struct Levels: Equatable, Sendable {
        package var read: Int?
        package var write: Int?
    }

    package var command: String
    package var bucket: ByteBuffer
    package var key: ByteBuffer
    package var token: String
    package var slot: Int
    package var partition: Int
    package var epoch: Int
    /// Nil when the node was explaining too many others.
    package var node: String?
    /// Nil when nobody took the request on.
    package var coordinator: String?
    package var level: String
    package var isSloppy: Bool
    package var required: Levels
    package var reached: Levels
    package var replicas: [Replica]
    package var isSuccess: Bool
    package var outcome: String
    package var answer: Version?
    package var afterUs: Int?
    package var steps: [Step]
    package var isCut: Bool

    package init(_ reply: HengeReply) throws(ReplyFields.Fault) {
        let fields = try ReplyFields(reply)
        command = try fields.string("command")
        bucket = try fields.bytes("bucket")
        key = try fields.bytes("key")
        token = try fields.string("token")
        slot = try fields.integer("slot")
        partition = try fields.integer("partition")
        epoch = try fields.integer("epoch")
        node = fields.optionalString("node")
        coordinator = fields.optionalString("coordinator")
        level = try fields.string("level")
        isSloppy = try fields.boolean("sloppy")
        required = Levels(fields.map("required"))
        reached = Levels(fields.map("reached"))
        replicas = []
        for replica in try fields.maps("preference_list") { replicas.append(try Replica(replica)) }
        isSuccess = try fields.boolean("ok")
        outcome = try fields.string("outcome")
        answer = fields.map("answer").flatMap { Version($0) }
        afterUs = fields.optionalInteger("after_us")
        steps = []
        for step in try fields.maps("steps") { steps.append(try Step(step)) }
        isCut = try fields.boolean("cut")
    }
}

extension ExplanationView.Levels {
    fileprivate init(_ fields: ReplyFields?) {
        read = fields?.optionalInteger("read")
        write = fields?.optionalInteger("write")
    }
}

extension ExplanationView.Replica {
    fileprivate init(_ fields: ReplyFields) throws(ReplyFields.Fault) {
        node = try fields.string("node")
        zone = fields.optionalString("zone") ?? ""
        state = try fields.string("state")
        role = try fields.string("role")
        home = fields.optionalString("for")
    }
}

extension ExplanationView.Version {
    fileprivate init?(_ fields: ReplyFields) {
        guard let digest = fields.optionalString("digest") else { return nil }
        self.digest = digest
        siblings = fields.optionalInteger("siblings")
        bytes = fields.optionalInteger("bytes")
    }
}

extension ExplanationView.Step {
    fileprivate init(_ fields: ReplyFields) throws(ReplyFields.Fault) {
        node = try fields.string("node")
        afterUs = try fields.integer("after_us")
        event = try fields.string("event")
        peer = fields.optionalString("peer")
        version = ExplanationView.Version(fields)
        result = fields.optionalString("found") ?? fields.optionalString("result")
        object = fields.optionalString("for")
        isHedge = (try? fields.boolean("hedge")) ?? false
        epoch = fields.optionalInteger("epoch")
        reads = fields.optionalInteger("reads") ?? 0
        writes = fields.optionalInteger("writes") ?? 0
    }
}

import HengeCausality
package import HengeClient

package import struct NIOCore.ByteBuffer

/// What `HENGE.INSPECT` tells of a key.
package struct KeyInspection: Sendable {
    package struct Replica: Sendable {
        package var node: String
        /// `present`, `absent`, `unreachable` or why it could not be read.
        package var state: String
        package var context: String?
        package var siblings: Int
        package var isTombstone: Bool
        /// Equal where replicas hold the same versions; nil where one holds or says nothing.
        package var digest: String?
    }

    package var bucket: ByteBuffer
    package var key: ByteBuffer
    package var token: String
    package var slot: Int
    package var partition: Int
    package var preferenceList: [String]
    package var replicas: [Replica]

    package init(_ reply: HengeReply) throws(ReplyFields.Fault) {
        let fields = try ReplyFields(reply)
        bucket = try fields.bytes("bucket")
        key = try fields.bytes("key")
        token = try fields.string("token")
        slot = try fields.integer("slot")
        partition = try fields.integer("partition")
        preferenceList = try fields.strings("preference_list")
        replicas = []
        for entry in try fields.maps("replicas") { replicas.append(try Replica(entry)) }
    }
}

extension KeyInspection.Replica {
    fileprivate init(_ fields: ReplyFields) throws(ReplyFields.Fault) {
        node = try fields.string("node")
        state = try fields.string("state")
        context = fields.optionalString("context")
        siblings = fields.optionalInteger("siblings") ?? 0
        isTombstone = (try? fields.boolean("tombstone")) ?? false
        digest = fields.optionalString("digest")
    }

    /// The version in a few characters: the first four digits of each actor and its counter.
    package var version: String {
        guard let context, !context.isEmpty else { return "" }
        let vector: VersionVector
        do throws(ObjectDecodeError) {
            vector = try CausalContext.decode(ByteBuffer(string: context)).vector
        } catch {
            return Wording.printable(context, limit: 24)
        }
        let shown = vector.entries.prefix(4).map {
            "\($0.actor.description.prefix(4)):\($0.counter)"
        }
        let more = vector.entries.count - shown.count
        return shown.joined(separator: " ") + (more > 0 ? " +\(more)" : "")
    }
}

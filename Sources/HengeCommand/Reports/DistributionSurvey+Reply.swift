import HengeBase
package import HengeClient
package import HengeRing
import NIOCore

/// Reads `HENGE.REPORT DISTRIBUTION` back, so that reports on a cluster and on a list of keys are
/// made and shown by the same code.
extension DistributionSurvey {
    package init(_ reply: HengeReply) throws(ReplyFields.Fault) {
        let fields = try ReplyFields(reply)
        var members: [Member] = []
        var held: [KeyLoad?] = []
        for node in try fields.maps("nodes") {
            let id = UInt16(clamping: try node.integer("id"))
            members.append(
                Member(
                    id: NodeID(id),
                    name: try node.string("name"),
                    // Any, as long as no two are the same: nobody is called by it.
                    peerAddress: "h\(id):7401",
                    zone: node.optionalString("zone") ?? "",
                    weight: try node.integer("weight")
                )
            )
            held.append(try node.optionalInteger("keys") == nil ? nil : KeyLoad(node))
        }
        let ring = try Self.ring(fields, members)
        var cells: [KeyLoad] = []
        for partition in try fields.maps("partitions") { cells.append(try KeyLoad(partition)) }
        guard cells.count == ring.partitions else {
            throw ReplyFields.Fault(field: "partitions", wanted: "as long as owners")
        }
        self.init(
            source: .cluster,
            ring: ring,
            isChanging: try fields.boolean("changing"),
            cells: cells,
            held: held,
            counting: try fields.strings("counting")
        )
        if let sample = fields.map("sample") { self.sample = try RecordSample(sample) }
        if let tags = fields.map("hash_tags") {
            hashTags = HashTags(keys: try tags.integer("keys"), isExact: try tags.boolean("exact"))
        }
    }

    private static func ring(
        _ fields: ReplyFields,
        _ members: [Member]
    ) throws(ReplyFields.Fault) -> Ring {
        var ids: [String: NodeID] = [:]
        for member in members { ids[member.name] = member.id }
        var owners: [NodeID] = []
        for name in try fields.strings("owners") {
            guard let id = ids[name] else {
                throw ReplyFields.Fault(field: "owners", wanted: "a list of names of nodes")
            }
            owners.append(id)
        }
        let document = RingDocument(
            clusterID: 0,
            epoch: UInt64(clamping: try fields.integer("epoch")),
            replicas: try fields.integer("replicas"),
            members: members,
            owners: owners
        )
        do throws(RingError) {
            try document.validate()
        } catch {
            throw ReplyFields.Fault(field: "nodes", wanted: "a ring (\(error))")
        }
        return Ring(document)
    }
}

extension KeyLoad {
    fileprivate init(_ fields: ReplyFields) throws(ReplyFields.Fault) {
        self.init(
            keys: try fields.integer("keys"),
            bytes: try fields.integer("bytes"),
            siblings: try fields.integer("siblings"),
            tombstones: try fields.integer("tombstones")
        )
    }
}

extension RecordSample {
    /// Estimates are scaled back, so that they come out as they went in.
    fileprivate init(_ fields: ReplyFields) throws(ReplyFields.Fault) {
        self.init()
        records = try fields.integer("records")
        population = try fields.integer("population")
        missing = try fields.strings("missing")
        tagged = try fields.integer("tagged")
        let back = 1 / scale
        for bucket in try fields.maps("buckets") {
            buckets.append(
                Bucket(
                    name: Array(buffer: try bucket.bytes("name")),
                    load: try KeyLoad(bucket).scaled(by: back)
                )
            )
        }
        if let others = fields.map("other_buckets") {
            otherBuckets = try KeyLoad(others).scaled(by: back)
        }
        keyBytes = try Self.histogram(fields, "key_bytes")
        valueBytes = try Self.histogram(fields, "value_bytes")
        siblings = try Self.histogram(fields, "siblings")
        largest = try Self.list(fields, "largest")
        mostSiblings = try Self.list(fields, "most_siblings")
    }

    private static func histogram(
        _ fields: ReplyFields,
        _ name: String
    ) throws(ReplyFields.Fault) -> BinaryHistogram {
        var counts: [Int] = []
        for entry in try fields.maps(name) { counts.append(try entry.integer("count")) }
        guard let histogram = BinaryHistogram(counts: counts) else {
            throw ReplyFields.Fault(field: name, wanted: "a histogram")
        }
        return histogram
    }

    private static func list(
        _ fields: ReplyFields,
        _ name: String
    ) throws(ReplyFields.Fault) -> [Record] {
        var records: [Record] = []
        for entry in try fields.maps(name) {
            records.append(
                Record(
                    bucket: Array(buffer: try entry.bytes("bucket")),
                    key: Array(buffer: try entry.bytes("key")),
                    bytes: try entry.integer("bytes"),
                    siblings: try entry.integer("siblings")
                )
            )
        }
        return records
    }
}

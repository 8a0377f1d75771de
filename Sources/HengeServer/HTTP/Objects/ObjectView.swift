import HTTPTypes
import HengeBase
import HengeCausality
import HengeMessages
import Hummingbird
import NIOCore

/// An object as an HTTP client sees it, and the replies that show it.
struct ObjectView {
    let key: StoredKey
    private let object: EncodedObject
    let context: VersionVector
    /// What is alive: nothing of a deleted object, the newest alone of a bucket without siblings.
    let live: [Sibling]

    init(_ object: EncodedObject, of key: StoredKey, keepsSiblings: Bool, wall: WallTime) {
        let decoded = object.decoded()
        self.key = key
        self.object = object
        context = decoded.context
        live =
            keepsSiblings
            ? decoded.liveSiblings(at: wall) : decoded.newestLive(at: wall).map { [$0] } ?? []
    }

    /// Nil of a deleted object.
    var current: Preconditions.Current? {
        guard let first = live.first else { return nil }
        let newest = live.map(\.timestamp.wall).max() ?? first.timestamp.wall
        return Preconditions.Current(tag: tag(of: first), modified: newest)
    }

    private func tag(of first: Sibling) -> String {
        live.count == 1 ? ObjectTag.of(first.dot) : ObjectTag.of(object)
    }

    var vclock: HTTPField {
        HTTPField(name: .vclock, value: VclockHeader.text(context, of: key))
    }

    // MARK: Replies

    /// 404, with a vclock where something was deleted: a write with it replaces the tombstone.
    static func notFound(_ view: ObjectView?) -> Response {
        var fields = HTTPFields()
        if let view {
            fields.append(view.vclock)
            fields[.deleted] = "true"
        }
        fields[.contentType] = "text/plain"
        let body = ResponseBody(byteBuffer: ByteBuffer(string: "not found\n"))
        return Response(status: .notFound, headers: fields, body: body)
    }

    /// 304: what a client may keep, without the value.
    func notModified() -> Response {
        var fields = HTTPFields([vclock])
        fields[.vary] = "Accept-Encoding"
        if let current {
            fields[.lastModified] = HTTPDate.format(current.modified)
            fields[.eTag] = "\"\(current.tag)\""
        }
        return Response(status: .notModified, headers: fields)
    }

    /// The one value that there is, or one of several by its tag.
    func one(_ sibling: Sibling, _ metadata: ObjectMetadata) -> Response {
        // Appended, since to set a field is to look for it first.
        var fields = HTTPFields([vclock])
        func add(_ name: HTTPField.Name, _ value: String) {
            fields.append(HTTPField(name: name, value: value))
        }
        for field in metadata.user {
            guard let name = HTTPField.Name(field.name) else { continue }
            add(name, field.value)
        }
        add(.vary, "Accept-Encoding")
        add(.link, link(metadata))
        add(.lastModified, HTTPDate.format(sibling.timestamp.wall))
        add(.eTag, "\"\(ObjectTag.of(sibling.dot))\"")
        add(.contentType, metadata.contentType)
        if let encoding = metadata.contentEncoding { add(.contentEncoding, encoding) }
        return Response(status: .ok, headers: fields, body: ResponseBody(value(sibling)))
    }

    private func value(_ sibling: Sibling) -> ByteBuffer {
        if case .value(let value, _) = sibling.payload { value } else { ByteBuffer() }
    }

    private func link(_ metadata: ObjectMetadata) -> String {
        let up = "</buckets/\(PercentCoding.encode(key.bucket.readableBytesView))>; rel=\"up\""
        return metadata.links.map { "\($0), \(up)" } ?? up
    }

    private func siblingFields(vary: String) -> HTTPFields {
        var fields = HTTPFields([vclock])
        fields[.vary] = vary
        if let current {
            fields[.lastModified] = HTTPDate.format(current.modified)
            fields[.eTag] = "\"\(current.tag)\""
        }
        return fields
    }

    /// 300: the tags of the siblings, a line each.
    func tags() -> Response {
        var fields = siblingFields(vary: "Accept, Accept-Encoding")
        fields[.contentType] = "text/plain"
        let lines = live.map { ObjectTag.of($0.dot) + "\n" }.joined()
        let body = ByteBuffer(string: "Siblings:\n" + lines)
        return Response(status: .multipleChoices, headers: fields, body: ResponseBody(body))
    }

    /// 300: the siblings themselves (RFC 2046, section 5.1.3), laid out as Riak does.
    func multipart(vary: String) -> Response {
        var fields = siblingFields(vary: vary)
        let boundary = ObjectTag.random()
        fields[.contentType] = "multipart/mixed; boundary=\(boundary)"
        var body = ByteBuffer()
        for sibling in live {
            let metadata = ObjectMetadata(stored: sibling.metadata)
            body.writeString("\r\n--\(boundary)\r\n")
            body.writeString("Content-Type: \(metadata.contentType)\r\n")
            if let encoding = metadata.contentEncoding {
                body.writeString("Content-Encoding: \(encoding)\r\n")
            }
            body.writeString("Link: \(link(metadata))\r\n")
            body.writeString("Etag: \(ObjectTag.of(sibling.dot))\r\n")
            body.writeString("Last-Modified: \(HTTPDate.format(sibling.timestamp.wall))\r\n")
            for field in metadata.user { body.writeString("\(field.name): \(field.value)\r\n") }
            body.writeString("\r\n")
            body.writeImmutableBuffer(value(sibling))
        }
        body.writeString("\r\n--\(boundary)--\r\n")
        return Response(status: .multipleChoices, headers: fields, body: ResponseBody(body))
    }
}

extension ResponseBody {
    fileprivate init(_ bytes: ByteBuffer) { self.init(byteBuffer: bytes) }
}

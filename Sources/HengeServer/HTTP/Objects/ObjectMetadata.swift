package import HTTPTypes
package import NIOCore

/// What an HTTP client says of a value that it stores, and hears again with it: its type, and
/// fields of its own.
///
/// It is stored beside the value (``Sibling/Payload``), opaque to all other layers. A value of a
/// RESP client has none.
package struct ObjectMetadata: Hashable, Sendable {
    package struct Field: Hashable, Sendable {
        package var name: String
        package var value: String

        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    package var contentType: String
    package var contentEncoding: String?
    /// A `Link` header without its link up to the bucket.
    package var links: String?
    /// The `X-Riak-Meta-` headers, by name with that prefix as its writer spelled it, in their
    /// order.
    package var user: [Field]

    package static let typeDefault = "application/octet-stream"
    private static let userPrefix = "x-riak-meta-"

    package init(
        contentType: String = ObjectMetadata.typeDefault,
        contentEncoding: String? = nil,
        links: String? = nil,
        user: [Field] = []
    ) {
        self.contentType = contentType
        self.contentEncoding = contentEncoding
        self.links = links
        self.user = user
    }

    /// From the headers of a request that stores.
    package init(_ headers: HTTPFields) throws(HTTPFailure) {
        guard let type = headers[.contentType], !type.isEmpty else {
            throw HTTPFailure(.badRequest, "Missing Content-Type request header")
        }
        self.init(contentType: type, contentEncoding: headers[.contentEncoding])
        for field in headers {
            let name = field.name.canonicalName
            if name.hasPrefix(Self.userPrefix) {
                user.append(Field(field.name.rawName, field.value))
            }
            if name.hasPrefix("x-riak-index-") { throw .missing("secondary indexes") }
        }
        let links = headers[values: .link].joined(separator: ", ").split(separator: ",")
            .map { $0.drop { $0 == " " } }
            .filter { !$0.contains("rel=\"up\"") && !$0.isEmpty }
        if !links.isEmpty { self.links = links.joined(separator: ", ") }
    }

    // MARK: Stored form

    /// `u8 version = 1`, then fields: `u8 kind`, of a user's field `u16 length` and name, `u32
    /// length` and value; integers big-endian.
    private static let version: UInt8 = 1

    private enum Kind: UInt8 {
        case contentType = 1
        case contentEncoding = 2
        case links = 3
        case user = 4
    }

    package func encoded() -> ByteBuffer {
        var out = ByteBuffer(integer: Self.version)
        func write(_ kind: Kind, _ value: String) {
            out.writeInteger(kind.rawValue)
            out.writeInteger(UInt32(clamping: value.utf8.count))
            out.writeString(value)
        }
        write(.contentType, contentType)
        if let contentEncoding { write(.contentEncoding, contentEncoding) }
        if let links { write(.links, links) }
        for field in user {
            out.writeInteger(Kind.user.rawValue)
            out.writeInteger(UInt16(clamping: field.name.utf8.count))
            out.writeString(field.name)
            out.writeInteger(UInt32(clamping: field.value.utf8.count))
            out.writeString(field.value)
        }
        return out
    }

    /// What was stored; of a value without metadata, or with some that can't be read, the defaults.
    package init(stored: ByteBuffer?) {
        self.init()
        guard var rest = stored, rest.readInteger(as: UInt8.self) == Self.version else { return }
        while let kind = rest.readInteger(as: UInt8.self).flatMap(Kind.init) {
            var name = ""
            if kind == .user {
                guard let length = rest.readInteger(as: UInt16.self),
                    let text = rest.readString(length: Int(length))
                else { return }
                name = text
            }
            guard let length = rest.readInteger(as: UInt32.self),
                let value = rest.readString(length: Int(length))
            else { return }
            switch kind {
            case .contentType: contentType = value
            case .contentEncoding: contentEncoding = value
            case .links: links = value
            case .user: user.append(Field(name, value))
            }
        }
    }
}

extension HTTPField.Name {
    static let link = HTTPField.Name("Link") ?? .location
    static let vclock = HTTPField.Name("X-Riak-Vclock") ?? .eTag
    static let deleted = HTTPField.Name("X-Riak-Deleted") ?? .eTag
}

/// A network address as operators write it: `host:port`, or `[host]:port` for IPv6.
package struct HostPort: Hashable, Sendable, CustomStringConvertible {
    /// A host name or an IPv4 or IPv6 address, in lower case, without brackets.
    package let host: String
    package let port: UInt16

    /// The longest host name of DNS.
    package static let hostLengthMax = 253

    /// Reads an address with a port from 1 to 65535; nil when it isn't one. Resolves nothing.
    package init?(_ text: some StringProtocol) {
        guard let colon = text.lastIndex(of: ":"),
            let port = Self.port(text[text.index(after: colon)...]),
            let host = Self.host(text[..<colon])
        else { return nil }
        self.host = host
        self.port = port
    }

    /// The address so many ports further up; nil where there is no such port.
    package func advanced(by ports: Int) -> HostPort? {
        UInt16(exactly: Int(port) + ports).map { HostPort(host: host, port: $0) }
    }

    private init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    package var description: String {
        host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    private static func port(_ text: some StringProtocol) -> UInt16? {
        // The number's initialiser would also take a sign.
        guard text.utf8.allSatisfy({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }),
            let port = UInt16(text), port > 0
        else { return nil }
        return port
    }

    private static func host(_ text: some StringProtocol) -> String? {
        guard !text.isEmpty, text.utf8.count <= hostLengthMax + 2 else { return nil }
        guard text.utf8.first == UInt8(ascii: "[") else {
            guard text.utf8.count <= hostLengthMax, text.utf8.allSatisfy(Member.isNameByte) else {
                return nil
            }
            return text.lowercased()
        }
        let inner = text.dropFirst().dropLast()
        guard text.hasSuffix("]"), inner.utf8.count >= 2,
            inner.utf8.contains(UInt8(ascii: ":")), inner.utf8.allSatisfy(isIPv6Byte)
        else { return nil }
        return inner.lowercased()
    }

    /// Digits, separators, and the name of a scope after `%`.
    private static func isIPv6Byte(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: ":") || byte == UInt8(ascii: "%") || Member.isNameByte(byte)
    }
}

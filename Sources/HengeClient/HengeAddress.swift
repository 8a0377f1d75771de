/// Where a node serves the Redis protocol.
public struct HengeAddress: Hashable, Sendable, CustomStringConvertible {
    /// A name, an IPv4 address, or an IPv6 address without brackets.
    public var host: String
    /// 1 to 65,535.
    public var port: Int

    public init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// Reads `host:port` or `[ipv6]:port`.
    ///
    /// - Throws: ``HengeError`` with the code `invalidArgument`.
    public init(parsing text: String) throws(HengeError) {
        guard let colon = text.lastIndex(of: ":"),
            let port = UInt16(text[text.index(after: colon)...]), port > 0,
            let host = HengeAddress.host(text[..<colon])
        else {
            throw HengeError(
                .invalidArgument,
                "'\(text)' is not an address: write host:port or [ipv6]:port"
            )
        }
        self.init(host: host, port: Int(port))
    }

    private static func host(_ text: Substring) -> String? {
        if text.hasPrefix("[") {
            guard text.hasSuffix("]"), text.count > 2 else { return nil }
            return String(text.dropFirst().dropLast())
        }
        guard !text.isEmpty, !text.contains(":"), !text.contains("]") else { return nil }
        return String(text)
    }

    public var description: String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}

import HengeBase

import struct NIOCore.ByteBuffer

/// The values that clients write: each names the operation that writes it, so all are different.
///
///     12 rest
enum OperationValue {
    static func make(number: Int, rest: String, padding: Int) -> ByteBuffer {
        ByteBuffer(string: "\(number) \(rest)" + String(repeating: ".", count: padding))
    }

    /// The operation that wrote it.
    static func number(of value: ByteBuffer) -> Int? {
        let digits = value.readableBytesView.prefix { $0 != UInt8(ascii: " ") }
        return Int(String(decoding: digits, as: UTF8.self))
    }

    static func rest(of value: ByteBuffer) -> Substring {
        let text = String(decoding: value.readableBytesView, as: UTF8.self)
        guard let space = text.firstIndex(of: " ") else { return "" }
        return text[text.index(after: space)...].prefix { $0 != "." }
    }
}

/// Why bytes are not a ring document.
package enum RingDecodeError: Error, Hashable, CustomStringConvertible {
    case truncated(needed: Int, available: Int)
    case tooLong(Int)
    case notARing
    case unsupportedVersion(UInt8)
    case checksum(expected: UInt64, found: UInt64)
    case trailingBytes(Int)
    case invalidText
    case invalidRun
    case invalidTransition
    case invalidRecoveries
    case invalid(RingError)

    package var description: String {
        switch self {
        case .truncated(let needed, let available):
            "The ring document ends early: \(needed) more bytes needed, \(available) there."
        case .tooLong(let count):
            "\(count) bytes are too many for a ring document."
        case .notARing:
            "The bytes don't begin as a ring document does."
        case .unsupportedVersion(let version):
            "The ring document has format \(version), which this version can't read."
        case .checksum(let expected, let found):
            "The ring document is damaged: its checksum is \(String(found, radix: 16)), "
                + "not \(String(expected, radix: 16))."
        case .trailingBytes(let count):
            "\(count) bytes follow the ring document."
        case .invalidText:
            "The ring document holds text that is not ASCII."
        case .invalidRun:
            "The ring document's list of last steps is not one that is ever written."
        case .invalidTransition:
            "The ring document's transition is not one that is ever written."
        case .invalidRecoveries:
            "The ring document's list of unsafe recoveries is not one that is ever written."
        case .invalid(let error):
            "The ring document is invalid: \(error)"
        }
    }
}

import HengeMessages

/// How many requests of one connection may be in flight: few at first, more with each small answer,
/// and few again when answers are large, since the size of an answer is not known before it is in
/// memory.
package struct RequestWindow {
    package static let limitFirst = 16
    package static let limitMax = 256
    /// Even when answers are huge, some overlap.
    private static let limitMin = 4
    /// Bytes of answers in flight that are aimed at, by the size of the last.
    private static let replyBytesMax = 4 << 20

    package private(set) var limit = RequestWindow.limitFirst

    package init() {}

    package mutating func learn(replyBytes: Int) {
        let fitting = max(Self.limitMin, Self.replyBytesMax / max(1, replyBytes))
        limit = min(limit + 1, fitting, Self.limitMax)
    }
}

extension ClientResponse {
    /// Bytes of the values that it carries.
    var valueBytes: Int {
        switch self {
        case .object(let object): object?.bytes.readableBytes ?? 0
        case .written(_, let previous), .notApplied(let previous):
            previous?.value.readableBytes ?? 0
        case .inspected, .failed: 0
        }
    }
}

import HTTPTypes
import HengeMessages

extension HTTPFailure {
    /// What a request on a key failed with: 503 where the client may try again, 504 where it
    /// can't know whether a write happened.
    init(_ failure: RequestFailure, isWrite: Bool) {
        let reason = isWrite ? failure.message : failure.readMessage
        switch failure {
        case .unavailable, .overloaded, .storage, .clockDrift: self = .busy(reason)
        case .timedOut: self.init(.gatewayTimeout, reason)
        case .conflict: self.init(.conflict, reason)
        case .tooLarge: self.init(.contentTooLarge, reason)
        }
    }

    /// The rest of the body is not read, so the connection can't go on.
    static func tooLarge(_ bytes: Int, limit: Int) -> HTTPFailure {
        let atLeast = bytes > limit + 1 ? "" : "at least "
        var failure = HTTPFailure(
            .contentTooLarge,
            "TOOLARGE body of \(atLeast)\(bytes) bytes exceeds the limit of \(limit) bytes"
        )
        failure.headers[.connection] = "close"
        return failure
    }
}

import HengeBase
import HengeMessages
import Logging

/// Logs failures, each kind at most once a second with the number of those it stands for: a full
/// disk fails every write, and its log lines would fill it further.
final class FailureLog: Sendable {
    private struct Kind {
        var quietUntil = Instant(nanoseconds: 0)
        var unlogged = 0
    }

    private static let period = Interval.seconds(1)
    private let logger: Logger
    private let kinds = Monitor<[StorageFailure: Kind]>([:])

    init(_ logger: Logger) {
        self.logger = logger
    }

    /// - Parameter operations: how many operations failed by this.
    func record(_ error: EngineError, during action: String, operations: Int = 1) {
        let now = Instant.monotonicNow()
        let count = kinds.withLock { kinds -> Int? in
            var kind = kinds[error.failure, default: Kind()]
            kind.unlogged += operations
            defer { kinds[error.failure] = kind }
            guard now >= kind.quietUntil else { return nil }
            defer { kind.unlogged = 0 }
            kind.quietUntil = now + Self.period
            return kind.unlogged
        }
        guard let count else { return }
        var metadata: Logger.Metadata = [
            "kind": "\(error.failure)",
            "during": "\(action)",
            "operations": "\(count)",
            "detail": "\(error.detail)",
        ]
        if error.failure == .corrupt { metadata["advice"] = Self.adviceOnDamage }
        logger.error("storage failed", metadata: metadata)
    }

    /// Whoever finds a damaged file first keeps on finding it: it is not taken out.
    private static let adviceOnDamage: Logger.MetadataValue = """
        a file of the data directory is damaged; if this node refuses writes and every key has \
        another replica that is up, stop it, move the directory away and start it: it is filled \
        again from them
        """

    func note(_ message: Logger.Message) {
        logger.notice(message)
    }
}

import CRocksDB
import Glibc
import HengeMessages

/// What RocksDB said when it refused: its words for the log, and what they mean to a caller.
struct EngineError: Error, Sendable {
    let failure: StorageFailure
    let detail: String

    init(_ failure: StorageFailure, _ detail: String) {
        self.failure = failure
        self.detail = detail
    }

    /// Reads the text of a RocksDB status. The C API has no codes, so the text is all there is; its
    /// beginnings are stable (`util/status.cc`, `Status::ToString`).
    init(status: String) {
        detail = status
        if status.contains("No space left") || status.contains("Disk quota exceeded")
            || status.contains("Space limit")
        {
            failure = .noSpace
        } else if status.hasPrefix("Corruption") {
            failure = .corrupt
        } else if status.hasPrefix("Shutdown") {
            failure = .readOnly
        } else {
            failure = .io
        }
    }
}

/// The error string of one call to the C API, freed when taken.
struct StatusSlot: ~Copyable {
    var pointer: UnsafeMutablePointer<CChar>?

    var isIncomplete: Bool {
        guard let pointer else { return false }
        // What a read limited to the cache answers when the answer isn't there.
        return strncmp(pointer, "Result incomplete", 17) == 0
    }

    /// What went wrong, or nil; the slot is empty afterwards.
    mutating func take() -> EngineError? {
        guard let pointer else { return nil }
        defer {
            rocksdb_free(pointer)
            self.pointer = nil
        }
        return EngineError(status: String(cString: pointer))
    }

    deinit {
        if let pointer { rocksdb_free(pointer) }
    }
}

/// Makes one call to the C API and throws what it left in its error slot.
func checked<R>(
    _ call: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> R
) throws(EngineError) -> R {
    var slot = StatusSlot()
    let result = call(&slot.pointer)
    if let error = slot.take() { throw error }
    return result
}

import Glibc
import HengeBase

/// A lock held by many readers or one writer. Writers that wait come first, or the readers of a
/// busy node would keep them out for ever.
///
/// `@unchecked Sendable`: the pointer never changes, and the lock is made to be shared.
final class SharedLock: @unchecked Sendable {
    private let lock = UnsafeMutablePointer<pthread_rwlock_t>.allocate(capacity: 1)

    init() {
        var attributes = pthread_rwlockattr_t()
        invariant(pthread_rwlockattr_init(&attributes) == 0)
        pthread_rwlockattr_setkind_np(
            &attributes,
            CInt(PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP)
        )
        invariant(pthread_rwlock_init(lock, &attributes) == 0)
        pthread_rwlockattr_destroy(&attributes)
    }

    deinit {
        pthread_rwlock_destroy(lock)
        lock.deallocate()
    }

    func withShared<R>(_ body: () -> R) -> R {
        pthread_rwlock_rdlock(lock)
        defer { pthread_rwlock_unlock(lock) }
        return body()
    }

    /// Nil when that would mean waiting.
    @inline(__always)
    func tryShared<R>(_ body: () -> R) -> R? {
        guard pthread_rwlock_tryrdlock(lock) == 0 else { return nil }
        defer { pthread_rwlock_unlock(lock) }
        return body()
    }

    func withExclusive<R>(_ body: () -> R) -> R {
        pthread_rwlock_wrlock(lock)
        defer { pthread_rwlock_unlock(lock) }
        return body()
    }
}

import Foundation
import Glibc
import HengeBase
import HengeMessages
import HengeStorage
import Testing

/// A write that the operating system refuses for another reason than space. RocksDB never resumes
/// by itself after such a one. Stands in for a failing device: a limit on the size of files, in a
/// process of its own.
@Suite struct DeviceFailureTests {
    @Test(
        "a failed device fails writes with a typed error, and the engine heals when the device does"
    )
    func fileSizeLimit() async {
        await #expect(processExitsWith: .success) {
            signal(SIGXFSZ, SIG_IGN)
            let store = try RocksDBUnderTest { $0.writeBufferBytes = 4 << 20 }
            defer { store.shutDown() }
            var limit = rlimit()
            let kind = __rlimit_resource_t(RLIMIT_FSIZE.rawValue)
            try #require(getrlimit(kind, &limit) == 0)
            let normal = limit
            limit.rlim_cur = 1 << 20
            try #require(setrlimit(kind, &limit) == 0)

            var random = SeededGenerator(seed: 5)
            var stored = 0
            var failure: StorageFailure?
            let object = TestObjects.object(TestObjects.noise(4_096, &random))
            while failure == nil, stored < 1_000 {
                failure = store.persist(TestObjects.key("k\(stored)"), object)
                stored += failure == nil ? 1 : 0
            }
            #expect(failure == .io)
            #expect(stored > 100 && stored < 300)
            #expect(store.engine.metrics.failuresIO >= 1)
            #expect(store.load(TestObjects.key("k0")) == .success(object))
            let again = store.persist(TestObjects.key("k0"), TestObjects.object("refused"))
            #expect(again == .io)

            limit = normal
            try #require(setrlimit(kind, &limit) == 0)
            let deadline = Date(timeIntervalSinceNow: 30)
            let late = TestObjects.key("late")
            while store.persist(late, object) != nil, Date() < deadline { usleep(10_000) }
            #expect(store.load(late) == .success(object))
            #expect(store.engine.metrics.recoveries >= 1)
            for number in 1..<stored {
                let result = store.load(TestObjects.key("k\(number)"))
                #expect(result == .success(object), "\(number)")
            }
        }
    }
}

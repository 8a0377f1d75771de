import Foundation
import HengeStorage
import Testing

@Suite struct PagesAheadTests {
    private static let page = 2 << 20
    private static let smallPage = Int(getpagesize())

    /// Whether the system can be asked for pages (Linux 5.14).
    private static let canPopulate: Bool = {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: page, alignment: page)
        defer { memory.deallocate() }
        return madvise(memory, page, 23) == 0
    }()

    @Test("pages are there once they are wanted, and none after them", .enabled(if: canPopulate))
    func ahead() throws {
        let size = 8 * Self.page
        let access = PROT_READ | PROT_WRITE
        let kind = MAP_PRIVATE | MAP_ANONYMOUS
        let memory = try #require(mmap(nil, size, access, kind, -1, 0))
        defer { munmap(memory, size) }
        // Small ones, so that none begins before it is wanted.
        #expect(madvise(memory, size, MADV_NOHUGEPAGE) == 0)
        let ring = UnsafeMutableRawBufferPointer(start: memory, count: size)
        let pages = PagesAhead(ring, pageBytes: Self.page)
        // What is written meanwhile stays.
        memory.storeBytes(of: 7, as: UInt64.self)
        pages.want(upTo: 1)
        pages.want(upTo: 3 * Self.page)
        let deadline = Date(timeIntervalSinceNow: 30)
        while residents(memory, size) < 3 * Self.page, Date() < deadline { sched_yield() }
        pages.stop()
        #expect(residents(memory, size) == 3 * Self.page)
        #expect(memory.load(as: UInt64.self) == 7)
    }

    @Test("it ends with what was wanted undone, or done")
    func stops() {
        let memory = UnsafeMutableRawBufferPointer.allocate(
            byteCount: Self.page,
            alignment: Self.smallPage
        )
        defer { memory.deallocate() }
        PagesAhead(memory, pageBytes: Self.page).stop()
        let done = PagesAhead(memory, pageBytes: Self.page)
        done.want(upTo: Self.page)
        done.stop()
    }

    /// How many bytes are there.
    private func residents(_ memory: UnsafeMutableRawPointer, _ size: Int) -> Int {
        var places = [UInt8](repeating: 0, count: size / Self.smallPage)
        mincore(memory, size, &places)
        return places.count { $0 & 1 == 1 } * Self.smallPage
    }
}

import Glibc

/// Has the system give the pages of a piece of memory shortly before they are first written, on a
/// thread of its own.
///
/// The first write to a huge page waits until the system has found and cleared two megabytes: parts
/// of a millisecond, and several on a machine whose host has to find them too. An event loop that
/// meets one holds up all that it serves (docs/decisions/0041).
///
/// `@unchecked Sendable`: `thread` is set once, before `init` returns, and read when the owner
/// ends; `memory` never changes, and what it points at is not touched here.
package final class PagesAhead: @unchecked Sendable {
    private struct Wish {
        /// In bytes from the start.
        var end = 0
        var isClosing = false
    }

    /// `MADV_POPULATE_WRITE` of Linux 5.14, which older headers don't have. Where the system
    /// doesn't know it, pages come when they are written, as without this.
    private static let populate: CInt = 23

    private let wish = Monitor(Wish())
    private let memory: UnsafeMutableRawBufferPointer
    private let pageBytes: Int
    private var thread: WorkerThread?

    /// - Parameters:
    ///   - memory: begins at a page, and must stay until ``stop()`` has returned.
    ///   - pageBytes: so many are asked for at once.
    package init(_ memory: UnsafeMutableRawBufferPointer, pageBytes: Int) {
        self.memory = memory
        self.pageBytes = pageBytes
        thread = WorkerThread("henge-pages") { [self] in run() }
    }

    /// Asks for all pages up to this one; returns at once.
    package func want(upTo end: Int) {
        wish.withLock { $0.end = end }
        wish.signal()
    }

    /// Ends the thread, which may take as long as one page.
    package func stop() {
        wish.withLock { $0.isClosing = true }
        wish.signal()
        thread?.join()
    }

    private func run() {
        var done = 0
        while done < memory.count {
            let isOver = wish.wait { wish -> Bool? in
                wish.isClosing ? true : wish.end > done ? false : nil
            }
            if isOver { return }
            let end = min(done + pageBytes, memory.count)
            let page = UnsafeMutableRawBufferPointer(rebasing: memory[done..<end])
            madvise(page.baseAddress, page.count, Self.populate)
            done = end
        }
    }
}

import Glibc
import HengeBase

/// A thread of the operating system that runs one function and is joined once.
struct WorkerThread: Sendable {
    private let thread: pthread_t

    /// - Parameter name: as tools of the operating system show it; at most 15 bytes.
    init(_ name: String, _ body: @escaping @Sendable () -> Void) {
        let start = Unmanaged.passRetained(Start(name, body))
        var thread = pthread_t()
        let result = pthread_create(&thread, nil, runWorker, start.toOpaque())
        invariant(result == 0, "no thread: \(String(cString: strerror(result)))")
        self.thread = thread
    }

    func join() {
        pthread_join(thread, nil)
    }
}

private final class Start {
    let name: String
    let body: @Sendable () -> Void

    init(_ name: String, _ body: @escaping @Sendable () -> Void) {
        self.name = name
        self.body = body
    }
}

private func runWorker(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument else { return nil }
    let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
    setName(start.name)
    PerfContext.disable()
    start.body()
    return nil
}

/// Of the thread that calls. A thread without one has that of whoever made it, and the functions
/// for it are not in the Glibc module.
private func setName(_ name: String) {
    let file = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
    guard file >= 0 else { return }
    defer { close(file) }
    var name = name
    name.withUTF8 { bytes in
        // A name is for people who look; without one nothing else changes.
        _ = write(file, bytes.baseAddress, bytes.count)
    }
}

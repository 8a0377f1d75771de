import Glibc
import HengeBase

/// A thread of the operating system that runs one function and is joined once.
struct WorkerThread: Sendable {
    private let thread: pthread_t

    init(_ body: @escaping @Sendable () -> Void) {
        let start = Unmanaged.passRetained(Start(body))
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
    let body: @Sendable () -> Void

    init(_ body: @escaping @Sendable () -> Void) {
        self.body = body
    }
}

private func runWorker(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument else { return nil }
    Unmanaged<Start>.fromOpaque(argument).takeRetainedValue().body()
    return nil
}

import HengeServer
import NIOCore
import NIOPosix
import Testing

@Suite("LoopExecutor")
struct LoopExecutorTests {
    @Test("a task goes on on the loop that wakes it, and on a loop of its own when another does")
    func goesOnWhereWoken() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 3)
        let other = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let executor = LoopExecutor(group)
        for loop in group.makeIterator() {
            let stays = try await Task(executorPreference: executor) {
                try await Self.wake(from: loop)
                return loop.inEventLoop
            }.value
            #expect(stays)
        }
        let stranger = other.next()
        let isHome = try await Task(executorPreference: executor) {
            try await Self.wake(from: stranger)
            return group.makeIterator().contains { $0.inEventLoop }
        }.value
        #expect(isHome)
        try await group.shutdownGracefully()
        try await other.shutdownGracefully()
    }

    /// Is done on `loop`, and only once the task has left the loop that it runs on: one that is
    /// done before the task waits wakes nobody.
    private static func wake(from loop: any EventLoop) async throws {
        let current = try #require(MultiThreadedEventLoopGroup.currentEventLoop)
        try await current.submit {}.hop(to: loop).get()
    }

    @Test("what is woken after the loops have ended still goes on")
    func outlivesItsLoops() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let executor = LoopExecutor(group)
        let (stream, continuation) = AsyncStream<Int>.makeStream()
        let task = Task(executorPreference: executor) {
            var sum = 0
            for await number in stream { sum += number }
            return sum
        }
        continuation.yield(1)
        executor.retire()
        try await group.shutdownGracefully()
        continuation.yield(2)
        continuation.finish()
        #expect(await task.value == 3)
    }
}

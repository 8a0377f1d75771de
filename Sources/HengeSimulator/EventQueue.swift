package import HengeBase

/// What will happen, in order of time; what is due at the same time happens in the order of
/// scheduling.
package struct EventQueue<Event> {
    private struct Entry {
        let time: Instant
        let number: UInt64
        let event: Event

        func precedes(_ other: Entry) -> Bool {
            time == other.time ? number < other.number : time < other.time
        }
    }

    /// A binary heap.
    private var entries: [Entry] = []
    private var scheduled: UInt64 = 0

    package init() {}

    package var count: Int { entries.count }
    package var nextTime: Instant? { entries.first?.time }

    package mutating func schedule(_ event: Event, at time: Instant) {
        entries.append(Entry(time: time, number: scheduled, event: event))
        scheduled += 1
        siftUp(entries.count - 1)
    }

    package mutating func popNext() -> (time: Instant, event: Event)? {
        guard let first = entries.first, let last = entries.popLast() else { return nil }
        if !entries.isEmpty {
            entries[0] = last
            siftDown()
        }
        return (first.time, first.event)
    }

    private mutating func siftUp(_ start: Int) {
        var index = start
        while index > 0 {
            let parent = (index - 1) / 2
            guard entries[index].precedes(entries[parent]) else { return }
            entries.swapAt(index, parent)
            index = parent
        }
    }

    private mutating func siftDown() {
        var index = 0
        while true {
            var least = index
            for child in [2 * index + 1, 2 * index + 2]
            where child < entries.count && entries[child].precedes(entries[least]) {
                least = child
            }
            guard least != index else { return }
            entries.swapAt(index, least)
            index = least
        }
    }
}

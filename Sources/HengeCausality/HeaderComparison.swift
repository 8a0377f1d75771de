/// Two headers beside each other, byte by byte or walked side by side: nothing is allocated.
enum HeaderComparison {
    static func areEqual(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Bool {
        guard a.count == b.count else { return false }
        var offset = 0
        let word = MemoryLayout<UInt64>.size
        while offset + word <= a.count {
            let other = b.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            guard a.loadUnaligned(fromByteOffset: offset, as: UInt64.self) == other else {
                return false
            }
            offset += word
        }
        while offset < a.count {
            guard a[offset] == b[offset] else { return false }
            offset += 1
        }
        return true
    }

    /// Whether `new` has seen all that `old` has, and each of its siblings is news to that.
    ///
    /// Entries and siblings are in order of actor, so that each walk is one over both.
    static func supersedes(
        _ new: UnsafeRawBufferPointer,
        _ old: UnsafeRawBufferPointer
    ) throws(ObjectDecodeError) -> Bool {
        var own = try HeaderReader(new)
        let oldStart = try HeaderReader(old)
        var seen = oldStart
        var entry = try own.nextEntry()
        while let claimed = try seen.nextEntry() {
            while let other = entry, other.actor < claimed.actor { entry = try own.nextEntry() }
            guard let other = entry, other.actor == claimed.actor,
                other.counter >= claimed.counter
            else { return false }
        }
        while entry != nil { entry = try own.nextEntry() }
        seen = oldStart
        var claimed = try seen.nextEntry()
        while let sibling = try own.nextSibling() {
            while let other = claimed, other.actor < sibling.dot.actor {
                claimed = try seen.nextEntry()
            }
            if let other = claimed, other.actor == sibling.dot.actor,
                other.counter >= sibling.dot.counter
            {
                return false
            }
        }
        return true
    }
}

import Glibc
package import HengeRing

/// A list of keys, one a line, read in large blocks and never held as a whole.
package struct KeyFile {
    private static let blockBytes = 4 << 20
    /// As long as a key may be.
    private static let keyBytesMax = 65_536

    package private(set) var tally: KeyTally
    /// Lines that are longer than any key may be.
    package private(set) var tooLong = 0
    private var bytesRead = 0

    /// Counts all keys of a file. A line ends at a line feed, which is no part of its key; empty
    /// lines are no keys.
    ///
    /// - Parameters:
    ///   - path: `-` for standard input.
    ///   - progress: called now and then with the bytes read so far.
    package init(
        path: String,
        bucket: String,
        progress: (_ bytes: Int) -> Void = { _ in }
    ) throws(CommandFailure) {
        tally = Array(bucket.utf8).withUnsafeBytes { KeyTally(bucket: $0) }
        let descriptor = path == "-" ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.failure(path) }
        defer { if path != "-" { close(descriptor) } }
        try read(descriptor, path: path, progress: progress)
    }

    private mutating func read(
        _ descriptor: Int32,
        path: String,
        progress: (Int) -> Void
    ) throws(CommandFailure) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(
            byteCount: Self.blockBytes + Self.keyBytesMax + 1,
            alignment: 16
        )
        defer { buffer.deallocate() }
        // The beginning of a line whose end is in the next block.
        var kept = 0
        // Inside a line that is too long to be a key.
        var isSkipping = false
        while let start = buffer.baseAddress {
            let count = Glibc.read(descriptor, start + kept, Self.blockBytes)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw Self.failure(path) }
            guard count > 0 else { break }
            bytesRead += count
            progress(bytesRead)
            let filled = UnsafeRawBufferPointer(start: start, count: kept + count)
            let used = addLines(of: filled, &isSkipping)
            kept = filled.count - used
            if isSkipping {
                kept = 0
            } else if kept > Self.keyBytesMax {
                tooLong += 1
                isSkipping = true
                kept = 0
            } else {
                memmove(start, start + used, kept)
            }
        }
        // The last line may lack its end.
        if kept > 0 { tally.add(UnsafeRawBufferPointer(rebasing: buffer[..<kept])) }
    }

    /// - Returns: where the first line begins whose end is not there.
    private mutating func addLines(
        of block: UnsafeRawBufferPointer,
        _ isSkipping: inout Bool
    ) -> Int {
        var first = 0
        while first < block.count, let start = block.baseAddress {
            guard let end = memchr(start + first, 0x0A, block.count - first) else { break }
            let length = UnsafeRawPointer(end) - (start + first)
            if isSkipping {
                isSkipping = false
            } else if length > Self.keyBytesMax {
                tooLong += 1
            } else if length > 0 {
                tally.add(UnsafeRawBufferPointer(start: start + first, count: length))
            }
            first += length + 1
        }
        return first
    }

    private static func failure(_ path: String) -> CommandFailure {
        let reason = String(cString: strerror(errno))
        return CommandFailure(.failed, "can't read '\(Wording.printable(path))': \(reason)")
    }
}

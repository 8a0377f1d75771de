import Glibc

/// Files of a few lines, and the ends of long ones.
package enum SmallFile {
    private static let bytesMax = 1 << 20

    /// The text of a file, at most 1 MiB; nil when it can't be read.
    package static func read(_ path: String) -> String? {
        withDescriptor(path) { descriptor in
            var bytes: [UInt8] = []
            while bytes.count < bytesMax, let more = chunk(descriptor) { bytes += more }
            return String(decoding: bytes, as: UTF8.self)
        }
    }

    /// The last lines of a file, of what follows `offset`.
    package static func tail(_ path: String, lines: Int, from offset: Int = 0) -> [String] {
        let text = withDescriptor(path) { descriptor -> String in
            let end = lseek(descriptor, 0, SEEK_END)
            lseek(descriptor, max(min(offset, end), end - 16_384), SEEK_SET)
            var bytes: [UInt8] = []
            while bytes.count < 32_768, let more = chunk(descriptor) { bytes += more }
            return String(decoding: bytes, as: UTF8.self)
        }
        return (text ?? "").split(separator: "\n").suffix(lines).map(String.init)
    }

    package static func size(_ path: String) -> Int {
        withDescriptor(path) { lseek($0, 0, SEEK_END) } ?? 0
    }

    /// Writes a file so that a reader sees the old text or the new, never a part.
    package static func write(_ text: String, to path: String) throws(CommandFailure) {
        let temporary = path + ".new"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw CommandFailure.system("can't write \(temporary)") }
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count,
            rename(temporary, path) == 0
        else { throw CommandFailure.system("can't write \(path)") }
    }

    package static func remove(_ path: String) { unlink(path) }

    /// Makes a directory with those above it.
    package static func makeDirectory(_ path: String) throws(CommandFailure) {
        if mkdir(path, 0o755) == 0 || errno == EEXIST { return }
        guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash > path.startIndex else {
            throw CommandFailure.system("can't make the directory \(path)")
        }
        try makeDirectory(String(path[..<slash]))
        guard mkdir(path, 0o755) == 0 || errno == EEXIST else {
            throw CommandFailure.system("can't make the directory \(path)")
        }
    }

    private static func withDescriptor<Result>(
        _ path: String,
        _ body: (Int32) -> Result
    ) -> Result? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        return body(descriptor)
    }

    private static func chunk(_ descriptor: Int32) -> ArraySlice<UInt8>? {
        var bytes = [UInt8](repeating: 0, count: 8192)
        let count = Glibc.read(descriptor, &bytes, bytes.count)
        return count > 0 ? bytes[..<count] : nil
    }
}

extension CommandFailure {
    /// The last system call failed.
    static func system(_ what: String) -> CommandFailure {
        CommandFailure(.failed, "\(what): \(String(cString: strerror(errno)))")
    }
}

package import HengeCausality
package import HengeRing

/// Fills one page of a ``ListRange`` with the records of its range, in the order of their keys; the
/// same for every storage engine.
package struct ListPageBuilder: Sendable {
    private let range: ListRange
    package private(set) var page = ListPage()
    private var examined = 0
    private var bytes = 0
    private var current: Token?

    package init(_ range: ListRange) {
        self.range = range
    }

    /// Whether the page is full and ends before a record of this token. To be asked before each.
    package mutating func ends(before token: Token) -> Bool {
        guard token != current else { return false }
        if examined >= range.examinedMax || bytes >= range.bytesMax {
            page.next = token
            return true
        }
        current = token
        return false
    }

    /// Ends the page before this token, full or not.
    package mutating func end(before token: Token) {
        page.next = token
    }

    package mutating func add(_ key: StoredKey, _ object: EncodedObject) {
        examined += 1
        let weight = key.bytes.withUnsafeReadableBytes { RecordWeight(of: object, keyBytes: $0) }
        page.weight = page.weight + weight
        var listed = ListedRecord(key: key, fingerprint: weight.fingerprint, object: nil)
        switch range.kind {
        case .versions: break
        case .objects(let except):
            if !except.contains(weight.fingerprint) { listed.object = object }
        case .dead(let wall):
            guard !object.isLive(at: wall) else { return }
            listed.object = object
        }
        if listed.object != nil { bytes += object.bytes.readableBytes }
        page.records.append(listed)
    }

    package mutating func addRotten(_ key: StoredKey) {
        examined += 1
        page.rotten.append(key)
    }

    package mutating func addUnreadable(_ stretch: ClosedRange<Token>) {
        examined += 1
        page.unreadable.append(stretch)
    }
}

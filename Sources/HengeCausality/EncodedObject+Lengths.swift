extension EncodedObject {
    /// The length of each value, in the order of the siblings; tombstones have none.
    package func forEachValueLength(_ body: (Int) -> Void) {
        do throws(ObjectDecodeError) {
            try bytes.withUnsafeReadableBytes { (raw) throws(ObjectDecodeError) in
                var header = try HeaderReader(raw)
                try header.skipEntries()
                while let sibling = try header.nextSibling() {
                    if !sibling.isTombstone { body(sibling.valueLength) }
                }
            }
        } catch {
            preconditionFailure("checked when the object was made: \(error)")
        }
    }
}

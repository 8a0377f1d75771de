package import HengeCausality
package import HengeRing

extension RecordSample {
    /// Looks at one record.
    ///
    /// - Parameter keyBytes: ``StoredKey/bytes``; nothing is added where they are none.
    package mutating func add(_ keyBytes: UnsafeRawBufferPointer, _ object: EncodedObject) {
        let prefix = StoredKey.prefixLength
        guard keyBytes.count >= prefix, keyBytes.count >= prefix + Int(keyBytes[prefix - 1]) else {
            return
        }
        let nameEnd = prefix + Int(keyBytes[prefix - 1])
        let name = UnsafeRawBufferPointer(rebasing: keyBytes[prefix..<nameEnd])
        let key = UnsafeRawBufferPointer(rebasing: keyBytes[nameEnd...])
        let weight = RecordWeight(of: object, keyBytes: keyBytes)
        records += 1
        add(KeyLoad(weight), to: name)
        self.keyBytes.add(key.count)
        siblings.add(object.siblingCount)
        object.forEachValueLength { valueBytes.add($0) }
        if HashSlot.tag(of: key) != nil { tagged += 1 }
        guard isLarge(weight.bytes) || object.siblingCount > 1 else { return }
        let record = Record(
            bucket: Array(name),
            key: Array(key.prefix(Self.keyBytesMax)),
            bytes: weight.bytes,
            siblings: object.siblingCount
        )
        noteLargest(record)
        noteMostSiblings(record)
    }
}

package import HengeRing

/// Asks a replica for the next of a partition's records, by a node that takes the partition over.
package struct TransferRequest: Hashable, Sendable {
    package var partition: Int
    /// Where the last page from this source ended; nil for the first one.
    package var from: Token?
    /// What the records of the page should have together, at least 1. One record may be larger, and
    /// a source may send less.
    package var bytesMax: Int
    /// The epoch of the partition's last step, as the asking node knows it. A source answers only
    /// while it knows the same.
    package var epoch: UInt64

    package init(partition: Int, from: Token?, bytesMax: Int, epoch: UInt64) {
        self.partition = partition
        self.from = from
        self.bytesMax = bytesMax
        self.epoch = epoch
    }
}

package enum TransferResult: Hashable, Sendable {
    case page(TransferPage)
    /// The two nodes don't know the same last step of the partition, or the source is no replica
    /// that may be read from.
    ///
    /// - Parameter epoch: of the ring that the source has adopted.
    case staleRing(epoch: UInt64)
    /// Not now: the source has too much to do, or does not know yet whether its data is an old
    /// copy.
    case overloaded
    case failed(StorageFailure)
}

/// Records of a partition, from where the request said.
package struct TransferPage: Hashable, Sendable {
    /// In the order of their tokens. All of one token are in one page.
    package var records: [HandedRecord]
    /// Where to go on; nil at the end of the partition.
    package var next: Token?
    /// Where records could not be read at the source, and were left out: one record or a stretch of
    /// them each.
    package var skipped: [ClosedRange<Token>]
    /// What is left behind this page; estimates.
    package var keysLeft: Int
    package var bytesLeft: Int

    package init(
        records: [HandedRecord],
        next: Token?,
        skipped: [ClosedRange<Token>] = [],
        keysLeft: Int = 0,
        bytesLeft: Int = 0
    ) {
        self.records = records
        self.next = next
        self.skipped = skipped
        self.keysLeft = keysLeft
        self.bytesLeft = bytesLeft
    }
}

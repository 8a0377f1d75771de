package import HengeCausality
package import HengeMessages

extension Comparison {
    package enum Input: Sendable {
        /// The roots of all partitions to compare, and what this node says of its clocks.
        case begin([PartitionRoot], clocks: ToldClocks)
        /// The answer to the open question. One that comes when none is open is ignored.
        case answered(EntropyMessage)
        /// The tree that was asked for, as it is now; nil when there is none any more.
        case leaves(LeafSums?)
        case listed(Result<ListPage, StorageFailure>)
        /// All records of `merge` but `refused` ones are merged and durable, if `success`.
        ///
        /// - Parameters:
        ///   - changed: records that are now others than before.
        ///   - refused: too far ahead of this node's clock.
        ///   - obsolete: what the peer must be told of records that this node had and has purged.
        case merged(changed: Int, refused: Int, obsolete: [HandedRecord] = [], success: Bool)
        /// What the peer said to the batch of `push`. Durable too when no record was left to send.
        case pushed(HandOffResult)
        /// What was `ready` may go.
        case allowed
        case tick
        /// The peer is gone, or the node has better things to do.
        case stop
    }

    package enum Effect: Sendable {
        /// Send it; answer with `.answered`.
        case ask(EntropyMessage)
        /// Answer with `.leaves`.
        case needLeaves(partition: Int)
        /// Answer with `.listed`.
        case list(ListRange)
        /// Merge as a replica does what is handed to it; answer with `.merged`.
        case merge([HandedRecord])
        /// Send these as one hand-off; answer with `.pushed`.
        case push([Push])
        /// Answer with `.allowed` as soon as ``Comparison/cost`` may be spent.
        case ready
        /// The partition is done with in this pass. Agreed: each of the two nodes now has all that
        /// the other had when the roots were compared.
        case settled(partition: Int, agreed: Bool)
        /// Tell the peer ``EntropyMessage/agreed(_:clocks:)`` of these, which are settled, with
        /// this node's clocks as they are by now.
        case tellAgreed([Int])
        /// Always the last effect. Partitions that were not settled are not agreed; nothing that
        /// was asked for needs an answer.
        case finish(Outcome)
    }

    /// One record to send.
    package struct Push: Hashable, Sendable {
        package var key: StoredKey
        /// ``RecordFingerprint`` of what the peer has; nothing is to be sent if that is also what
        /// this node has by now. nil if it has nothing, or something that was not sent.
        package var known: UInt64?
        /// To be sent instead of what is stored; nil for that.
        package var object: EncodedObject?

        package init(key: StoredKey, known: UInt64? = nil, object: EncodedObject? = nil) {
            self.key = key
            self.known = known
            self.object = object
        }
    }

    package enum Outcome: Hashable, Sendable {
        /// Every partition was settled, if not agreed.
        case done
        case stopped
        /// Better tried again some time later.
        case failed(Failure)
    }

    package enum Failure: Hashable, Sendable {
        /// No answer came in time.
        case timedOut
        /// The peer's answer does not fit the question.
        case badAnswer
        /// The peer has no room for what it was sent.
        case overloaded
    }

    /// What a throttle is to count.
    package struct Cost: Hashable, Sendable {
        package var records: Int
        package var bytes: Int

        package init(records: Int, bytes: Int) {
            self.records = records
            self.bytes = bytes
        }
    }

    /// What the passes of this comparison have done, ever.
    package struct Tally: Hashable, Sendable {
        /// Partitions whose roots differed.
        package var differing = 0
        package var leafQuestions = 0
        package var versionQuestions = 0
        /// Records that the peer sent, and those that changed one here.
        package var received = 0
        package var changed = 0
        /// Records pushed, also those that needed no sending after all.
        package var pushed = 0
        /// Records that this node or the peer refused.
        package var refused = 0
    }
}

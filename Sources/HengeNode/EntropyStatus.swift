package import HengeBase

/// What a shard knows of how far its partition replicas agree with those of other nodes.
package struct EntropyStatus: Sendable {
    /// A partition that this node is a home replica of.
    package struct Range: Hashable, Sendable {
        package var partition: Int
        /// Home replicas, this one among them.
        package var replicas: Int
        /// How long ago it was last found or made equal with the home replica for which that is
        /// longest ago; nil when with one it never was in this run.
        package var verifiedAge: Interval?
        /// Tombstones and records whose siblings have all expired that wait to be purged, as of the
        /// last look.
        package var tombstones: Int

        package init(partition: Int, replicas: Int, verifiedAge: Interval?, tombstones: Int) {
            self.partition = partition
            self.replicas = replicas
            self.verifiedAge = verifiedAge
            self.tombstones = tombstones
        }
    }

    /// A comparison with another node that is under way, begun here.
    package struct Running: Hashable, Sendable {
        package var peer: NodeID
        /// Partitions that differed.
        package var differing: Int
        /// Of these, how many are still to be mended.
        package var left: Int
        package var age: Interval

        package init(peer: NodeID, differing: Int, left: Int, age: Interval) {
            self.peer = peer
            self.differing = differing
            self.left = left
            self.age = age
        }
    }

    /// Whether the hash trees are built; until then nothing is compared.
    package var isReady: Bool
    /// In order of partition.
    package var ranges: [Range]
    package var running: [Running]
    /// How much of the records the scrub pass under way has read, 0...1.
    package var scrubbed: Double
    /// When the last scrub pass that is done had ended; nil before the first of this run.
    package var scrubbedAge: Interval?

    package init(
        isReady: Bool,
        ranges: [Range],
        running: [Running],
        scrubbed: Double,
        scrubbedAge: Interval?
    ) {
        self.isReady = isReady
        self.ranges = ranges
        self.running = running
        self.scrubbed = scrubbed
        self.scrubbedAge = scrubbedAge
    }
}

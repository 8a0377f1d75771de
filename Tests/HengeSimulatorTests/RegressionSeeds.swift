/// Seeds that once showed something wrong. A change of the simulator changes what a seed does, so
/// what each found is also told, and has a test of its own where that code lives.
enum RegressionSeeds {
    struct Seed: Sendable, CustomStringConvertible {
        let number: UInt64
        let found: String

        init(_ number: UInt64, _ found: String) {
            self.number = number
            self.found = found
        }

        var description: String { "\(number): \(found)" }
    }

    static let all =
        [98, 163, 287, 394, 436, 629, 774, 983].map { number in
            Seed(
                number,
                "while both were built: late words of a comparison, or of a node that had gone "
                    + "since, were believed, or what was purged was held against its node"
            )
        } + single

    private static let single = [
        Seed(1, "a scan past the first partition trapped in Ring.tokenRange"),
        Seed(9, "a write whose record came late was answered long after its deadline"),
        Seed(25, "the same, with a disk that was slow for seconds"),
        Seed(26, "a hint for one node that named a record held for another trapped in the storage"),
        Seed(547, "two replicas lost in one step of a read stepped a read that had ended"),
        Seed(
            669,
            "hints of a clock an hour ahead were offered again and again until the clocks agreed; "
                + "later: replicas had compared before a third node delivered what it held for "
                + "one of them, and all said that they were settled"),
        Seed(718, "a write was ascribed to the request of another record of its key"),
        Seed(
            844,
            "a delete was ascribed to an older request, as what it left alone had been purged"),
        Seed(
            857,
            "what a node had asked before its restart came after it, and all that it asked then "
                + "passed for late"),
        Seed(879, "an old copy of a disk came with counts that were wrong when it was made"),
        Seed(950, "a late answer to an earlier process was taken for the answer to a new request"),
        Seed(1_272, "a forwarded write that was under way for seconds came after the last reads"),
        Seed(
            1_531,
            "a hint was counted as delivered though its record was gone, as another of its key was "
                + "sent"),
        Seed(
            1_959, "one batch that waited for a slow disk was followed by a rest of half a minute"),
        Seed(
            1_921,
            "a node told that replicas were equal though it had lost something of them meanwhile, "
                + "so that the other took in what it had claimed before"),
        Seed(1_929, "a count was held against keys that expired and were purged during it"),
        Seed(1_978, "the same, with some replicas that purge before others"),
        Seed(
            2_347,
            "an old copy's counts knew of no dead record, so that nobody looked for it to purge"),
        Seed(
            2_537,
            "what a node had taken in was told once, in a message that got lost, so that a record "
                + "without siblings was never purged"),
        Seed(
            3_571,
            "what a node had taken in was told in an answer to a pass that had been ended, and "
                + "never again"),
        Seed(
            3_651, "a write in place of another was ascribed to a request that had been forwarded"),
        Seed(
            4_503, "a node gave another up for its silence after the cut between them had healed"),
        Seed(
            4_201, "a home replica waited in vain for what was held in its place, after such a rest"
        ),
        Seed(79, "hints for a node that had left the ring were never delivered"),
        Seed(82, "the same, in another cluster"),
        Seed(
            791,
            "a write failed and took effect: a tree without it was equal to another's, which then "
                + "claimed what it lacked, and had the others purge it"),
        Seed(592, "more disks were lost than leave a majority that remembers how it voted"),
        Seed(1_003, "a node that had left the ring was to serve its clients"),
        Seed(2_323, "a ring was asked for before the calm, and changed while all was checked"),
        Seed(
            841,
            "a node with an old copy was to compare with one that waited for it to hand it a "
                + "partition"
        ),
        Seed(
            74,
            "a node gave a partition away and dropped it while it coordinated a write to it, whose "
                + "client then heard of one replica more than held it"
        ),
        Seed(
            176,
            "a node that had left the ring and lost its disk took a write in place of another "
                + "before it heard of that"
        ),
    ]
}

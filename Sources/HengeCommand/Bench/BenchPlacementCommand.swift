import ArgumentParser
import HengeBase
import HengeRing

/// `henge bench placement`
struct BenchPlacementCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "placement",
        abstract: "Measure how rings change: moves, balance, spacing.",
        discussion: """
            Makes random clusters and changes them at random; needs no nodes. Each change is \
            compared with the fewest vnodes that any fair ring could move. Transfers are the \
            replicas that get a partition that they didn't hold. --seed and --json are as for \
            henge bench.

            --strategies compares the balance of a new ring with the three strategies of the \
            Dynamo paper (section 6.2, figure 8; 30 nodes, N = 3) at the same number of entries \
            of metadata. Keys are many and spread evenly by their hashes.

            Exits 1 when a change moved over 1.05 times the fewest without a zone having changed, \
            or a node is a vnode or more from its share.

            Example: henge bench placement --sequences 1000 --nodes-max 200
            Example: henge bench placement --strategies
            """
    )

    @Option(help: "Random clusters.")
    var sequences = 1000

    @Option(help: "Changes to each.")
    var changes = 10

    @Option(help: "Nodes of the largest clusters; the smallest have as many as replicas.")
    var nodesMax = 200

    @Option(help: "Partitions, a power of two from 64 to 16384.")
    var partitions = 1024

    @Option(help: "Replicas of each partition, 1 to 8.")
    var replicas = 3

    @Flag(help: "Compare with the strategies of the Dynamo paper instead.")
    var strategies = false

    @Option(help: "Random draws for each size; with --strategies.")
    var draws = 20

    /// An option of both would be taken by the parent alone.
    @ParentCommand var parent: BenchCommand

    func validate() throws {
        guard (1...1_000_000).contains(sequences), (1...1000).contains(changes) else {
            throw ValidationError("--sequences must be 1 to 1000000, --changes 1 to 1000.")
        }
        guard RingDocument.partitionCounts.contains(partitions), partitions.nonzeroBitCount == 1
        else { throw ValidationError("--partitions must be a power of two from 64 to 16384.") }
        guard (1...ReplicaSet.replicasMax).contains(replicas) else {
            throw ValidationError("--replicas must be 1 to \(ReplicaSet.replicasMax).")
        }
        guard (max(3, replicas)...Member.countMax).contains(nodesMax) else {
            throw ValidationError("--nodes-max must be 3 to \(Member.countMax), and N at least.")
        }
        guard (1...10_000).contains(draws) else {
            throw ValidationError("--draws must be 1 to 10000.")
        }
    }

    func run() async throws {
        if strategies { compareStrategies() } else { try measureChanges() }
    }

    private func measureChanges() throws {
        var progress = ProgressLine()
        var all = PlacementTally()
        // All but those that change zones: they move what spacing asks for.
        var bounded = PlacementTally()
        var kinds = PlacementSequence.Kind.allCases.map { ($0, PlacementTally()) }
        for index in 0..<sequences {
            if !parent.options.json {
                let bar = Bar.text(Double(index) / Double(sequences), width: 30, padded: true)
                progress.draw("\(bar) \(Wording.grouped(index)) sequences")
            }
            run(seed: parent.options.seed &+ UInt64(index)) { kind, change, milliseconds in
                all.add(change, milliseconds: milliseconds)
                if kind != .zone { bounded.add(change, milliseconds: milliseconds) }
                for slot in kinds.indices where kinds[slot].0 == kind {
                    kinds[slot].1.add(change, milliseconds: milliseconds)
                }
            }
        }
        progress.clear()
        var rows: [(name: String, tally: PlacementTally)] = kinds.map { ($0.0.rawValue, $0.1) }
        rows += [("all but zone", bounded), ("all", all)]
        if parent.options.json {
            Output.json(.object(rows.map { JSON.Field($0.name, PlacementText.json($0.tally)) }))
        } else {
            Output.lines(PlacementText.lines(rows, color: Output.usesColor))
        }
        let ratioMax = bounded.ratio(1) ?? 1
        if ratioMax > 1 + Placement.extraMovesMax || all.shareDeviation >= 1 {
            throw ExitCode(ExitStatus.failed.rawValue)
        }
    }

    /// One cluster and its changes.
    private func run(
        seed: UInt64,
        _ body: (PlacementSequence.Kind, PlacementChange, Double) -> Void
    ) {
        let clock = ContinuousClock()
        var sequence = PlacementSequence(seed: seed, nodesMax: nodesMax, replicas: replicas)
        var owners = Placement.initial(
            members: sequence.members,
            partitions: partitions,
            replicas: replicas
        ).owners
        for _ in 0..<changes {
            let old = sequence.members
            let kind = sequence.change()
            let start = clock.now
            let change = Placement.change(
                owners: owners,
                from: old,
                to: sequence.members,
                replicas: replicas
            )
            let milliseconds = (clock.now - start) / .milliseconds(1)
            owners = change.owners
            body(kind, change, milliseconds)
        }
    }

    private func compareStrategies() {
        var progress = ProgressLine()
        var dynamo = PlacementStrategies(nodes: 30, replicas: 3, seed: parent.options.seed)
        let rows = [64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384].map { entries in
            if !parent.options.json { progress.draw("\(Wording.grouped(entries)) entries") }
            return PlacementText.Efficiencies(
                entries: entries,
                samples: (0..<draws).map { _ in dynamo.sample(entries: entries) },
                most: dynamo.efficiencyMost(entries: entries)
            )
        }
        progress.clear()
        if parent.options.json {
            Output.json(.array(rows.map(PlacementText.json)))
        } else {
            Output.lines(PlacementText.lines(rows, color: Output.usesColor))
        }
    }
}

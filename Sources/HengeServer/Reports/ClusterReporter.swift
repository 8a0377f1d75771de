import HengeBase
import HengeMessages
package import HengeRing
import NIOCore
import NIOPosix

/// Gathers from all nodes what reports on the whole cluster are made of, at whichever node is
/// asked.
///
/// Confined to the driver's event loop.
package final class ClusterReporter {
    /// Records that a report looks at when it isn't told how many.
    package static let sampleDefault = 20_000
    /// The same where single records are looked for.
    package static let searchDefault = 200_000
    package static let sampleMax = 100_000_000
    /// After so long the answers that are there have to do.
    private static let loadsPatience = TimeAmount.seconds(2)
    /// A node stops reading a little sooner, so that what it has read comes in time.
    private static let samplePatience = TimeAmount.seconds(10)
    private static let readPatience = Interval.seconds(9)
    /// Samples that a node reads at a time; beyond it says that it has read nothing.
    private static let readsMax = 4

    private unowned let driver: NodeDriver
    let loads = PeerInquiries<NodeLoads>()
    let samples = PeerInquiries<RecordSample>()
    private(set) lazy var settling = ShardSettling(driver: driver)
    private var reading = 0

    init(driver: NodeDriver) {
        self.driver = driver
    }

    /// Where the keys of the cluster lie, with the nodes that don't answer in time left out and
    /// named.
    ///
    /// What nodes count is exact; the rest is told from a sample of records, read on the nodes as
    /// far as the background's budget allows.
    ///
    /// - Parameters:
    ///   - sample: how many records to look at over all nodes; none when 0, 0...``sampleMax``.
    ///   - done: called once, on the event loop, within some twelve seconds.
    package func distribution(
        sample: Int = sampleDefault,
        _ done: @escaping (ReplyTree) -> Void
    ) {
        let loop = driver.eventLoop
        survey(sample: sample) { survey in
            let done = NIOLoopBound(done, eventLoop: loop)
            // On a large ring the sums, and fields of every partition, take a while.
            NIOThreadPool.singleton
                .runIfActive(eventLoop: loop) {
                    DistributionReply(DistributionReport(survey)).tree
                }
                .whenSuccess { done.value($0) }
        }
    }

    /// What ``distribution(sample:_:)`` is made of.
    ///
    /// - Parameter isWanted: whether to look at records of a partition where so much lies; where
    ///   not, they are no part of the sample's population either.
    package func survey(
        sample: Int,
        where isWanted: @escaping (KeyLoad) -> Bool = { _ in true },
        _ done: @escaping (DistributionSurvey) -> Void
    ) {
        let driver = self.driver
        driver.withFreshFigures {
            driver.reporter.ask(sample: sample, where: isWanted, done)
        }
    }

    private func ask(
        sample: Int,
        where isWanted: @escaping (KeyLoad) -> Bool,
        _ done: @escaping (DistributionSurvey) -> Void
    ) {
        let driver = self.driver
        let ring = driver.ring
        loads.ask(
            driver.peersUp.map { (peer: $0, facts: .askLoads) },
            through: driver,
            patience: Self.loadsPatience,
            known: [driver.node: driver.loads],
            isValid: { $0.partitions.count == ring.partitions }
        ) { answers in
            let survey = DistributionSurvey(answers, ring: ring)
            let records = survey.partitions.map { isWanted($0) ? $0.records : 0 }
            let plan = SamplePlan(
                records: records,
                wanted: sample,
                offset: .random(in: 0..<1),
                reader: { Self.reader(of: $0, on: ring, answers) }
            )
            driver.reporter.add(plan, to: survey, done)
        }
    }

    /// The first of a partition's home replicas that has answered.
    private static func reader(
        of partition: Int,
        on ring: Ring,
        _ answers: [NodeID: NodeLoads]
    ) -> NodeID? {
        var reader: NodeID?
        ring.preferenceList(partition: partition).forEach { node in
            if reader == nil, answers[node] != nil { reader = node }
        }
        return reader
    }

    private func add(
        _ plan: SamplePlan,
        to survey: DistributionSurvey,
        _ done: @escaping (DistributionSurvey) -> Void
    ) {
        guard !plan.spans.isEmpty else { return done(survey) }
        let driver = self.driver
        var own: RecordSample?
        var others: [NodeID: RecordSample]?
        // All read at the same time; whoever is last goes on.
        func join() {
            guard let own, var samples = others else { return }
            samples[driver.node] = own
            done(survey.adding(samples, plan))
        }
        let peers = driver.peersUp.filter { plan.spans[$0] != nil }
        samples.ask(
            peers.map { (peer: $0, facts: .askSample(plan.spans[$0] ?? [])) },
            through: driver,
            patience: Self.samplePatience,
            isValid: { _ in true }
        ) { samples in
            others = samples
            join()
        }
        sample(plan.spans[driver.node] ?? []) { sample in
            own = sample
            join()
        }
    }

    /// Looks at records of this node, each shard at those of its partitions.
    func sample(_ spans: [SampleSpan], _ done: @escaping (RecordSample) -> Void) {
        guard !spans.isEmpty, reading < Self.readsMax else { return done(RecordSample()) }
        reading += 1
        let driver = self.driver
        driver.sample(spans, within: Self.readPatience) { sample in
            driver.reporter.reading -= 1
            done(sample)
        }
    }
}

extension NodeDriver {
    /// What this node holds.
    var loads: NodeLoads {
        let tallies = figures.tallies
        return NodeLoads(
            isComplete: tallies.isComplete,
            partitions: tallies.weights.map { KeyLoad($0) }
        )
    }
}

extension DistributionSurvey {
    /// - Parameter answers: of the nodes that answered.
    init(_ answers: [NodeID: NodeLoads], ring: Ring) {
        let members = ring.document.members
        let cells = (0..<ring.partitions).map { partition in
            var held = KeyLoad.nothing
            // What others still hold of it does not count.
            ring.preferenceList(partition: partition).forEach { node in
                if let told = answers[node] { held = held.merged(told.partitions[partition]) }
            }
            return held
        }
        self.init(
            source: .cluster,
            ring: ring,
            isChanging: ring.document.transition != nil,
            cells: cells,
            held: members.map { answers[$0.id]?.partitions.total },
            counting: members.filter { answers[$0.id]?.isComplete == false }.map(\.name)
        )
    }

    fileprivate func adding(_ samples: [NodeID: RecordSample], _ plan: SamplePlan) -> Self {
        var sample = RecordSample()
        sample.population = plan.population
        for member in ring.document.members {
            guard let spans = plan.spans[member.id] else { continue }
            if let told = samples[member.id] { sample.add(told) }
            let asked = spans.reduce(0) { $0 + $1.records }
            // Counts and records may differ a little: they are not of the same moment.
            if (samples[member.id]?.records ?? 0) * 2 < asked { sample.missing.append(member.name) }
        }
        var survey = self
        survey.sample = sample
        if sample.records > 0 {
            let tagged = Int((Double(sample.tagged) * sample.scale).rounded())
            survey.hashTags = HashTags(keys: tagged, isExact: sample.isComplete)
        }
        return survey
    }
}

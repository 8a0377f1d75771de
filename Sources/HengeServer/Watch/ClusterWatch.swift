import HengeBase
import HengeMessages
import HengeRESP
import HengeRing
import NIOCore
import NIOPosix

/// Sees how the whole cluster is, once a second and for all who look at this node; while nobody
/// does, it asks nobody anything.
///
/// Confined to the driver's event loop.
package final class ClusterWatch {
    static let interval = Interval.seconds(1)
    /// Less than the interval: a node that says nothing is left out.
    private static let patience = TimeAmount.milliseconds(700)
    /// For so long after the last question it goes on, so that whoever asks every few seconds is
    /// told rates.
    private static let interestMax = Interval.seconds(5)
    /// Hot keys change slowly, and take more to tell.
    private static let roundsPerHeat = 5
    /// A pulse that is no older answers the next who asks.
    private static let pulseAgeMax = Interval.milliseconds(500)

    private unowned let driver: NodeDriver
    let pulses = PeerInquiries<NodePulse>()
    let histories = PeerInquiries<PulseHistory>()
    let listeners = EventListeners()
    private(set) lazy var recorder = PulseRecorder(driver: driver)
    private var task: RepeatedTask?
    private var isAsking = false
    private var isClosed = false
    private var round = 0
    private var lastQuestion: Instant?
    private var waiting: [(ReplyTree) -> Void] = []

    private var previous: [NodeID: NodePulse] = [:]
    private var rates: [NodeID: PulseRate] = [:]
    private var heat: ReplyTree?
    private var history = OverviewHistory()
    private var own: (pulse: NodePulse, at: Instant, hasHeat: Bool)?

    init(driver: NodeDriver) {
        self.driver = driver
    }

    // MARK: Who looks

    /// Tells what the cluster looks like, within a second; its rates where somebody has looked
    /// within the last seconds.
    package func overview(_ done: @escaping (ReplyTree) -> Void) {
        lastQuestion = driver.now
        waiting.append(done)
        begin()
        guard isClosed else { return }
        let watch = NIOLoopBound(self, eventLoop: driver.eventLoop)
        driver.eventLoop.execute { watch.value.answerLast() }
    }

    /// A stream of events, from the first overview on.
    ///
    /// - Throws: ``HTTPFailure`` when too many listen.
    func listen() throws(HTTPFailure) -> EventListeners.Subscription {
        let subscription = try listeners.add(on: driver.eventLoop)
        begin()
        return subscription
    }

    /// Ends all streams: the node stops.
    func close() {
        isClosed = true
        listeners.close()
        task?.cancel()
        task = nil
        answerLast()
    }

    /// Whoever still waits is told what was seen last, rather than hold up the node's stop.
    private func answerLast() {
        answer(ClusterOverview(pulses: previous, rates: rates).tree(driver))
    }

    private var isWatched: Bool {
        if !listeners.isEmpty || !waiting.isEmpty { return true }
        return lastQuestion.map { driver.now.since($0) < Self.interestMax } ?? false
    }

    private func begin() {
        guard task == nil, !isClosed else { return }
        previous = [:]
        rates = [:]
        round = 0
        let watch = NIOLoopBound(self, eventLoop: driver.eventLoop)
        task = driver.eventLoop.scheduleRepeatedTask(
            initialDelay: .zero,
            delay: .nanoseconds(Int64(Self.interval.nanoseconds))
        ) { _ in watch.value.look() }
    }

    // MARK: Each second

    private func look() {
        guard isWatched else {
            task?.cancel()
            task = nil
            return
        }
        guard !isAsking else { return }
        isAsking = true
        let withHeat = round % Self.roundsPerHeat == 0
        round += 1
        pulse(withHeat: withHeat) { own in
            self.pulses.ask(
                self.others.map { (peer: $0, facts: .askPulse(heat: withHeat)) },
                through: self.driver,
                patience: Self.patience,
                known: [self.driver.node: own],
                isValid: { _ in true }
            ) { answers in
                self.saw(answers, withHeat: withHeat)
            }
        }
    }

    /// Those that are up, also of nodes that are about to join.
    private var others: [NodeID] {
        driver.ring.allMembers.map(\.id).filter {
            $0 != driver.node && driver.peerStatus($0).isUp
        }
    }

    /// What this node tells others.
    func pulse(withHeat: Bool, _ done: @escaping (NodePulse) -> Void) {
        if let own, driver.now.since(own.at) < Self.pulseAgeMax, own.hasHeat || !withHeat {
            return done(own.pulse)
        }
        driver.withFreshFigures {
            let pulse = self.driver.pulse(withHeat: withHeat)
            self.own = (pulse, self.driver.now, withHeat)
            done(pulse)
        }
    }

    private func saw(_ pulses: [NodeID: NodePulse], withHeat: Bool) {
        var rates: [NodeID: PulseRate] = [:]
        for (node, pulse) in pulses {
            guard let before = previous[node] else { continue }
            // Of the same moment where another had asked just before.
            rates[node] =
                pulse[.uptime] == before[.uptime]
                ? self.rates[node] : PulseRate(from: before, to: pulse)
        }
        self.rates = rates
        previous = pulses
        if !rates.isEmpty {
            history.add(ClusterRate(rates.values), at: driver.wall.milliseconds)
        }
        if withHeat {
            let heats = ring(pulses).compactMap(\.heat)
            heat = heats.isEmpty ? nil : HeatMerge(heats).tree
        }
        let overview = ClusterOverview(pulses: pulses, rates: rates).tree(driver)
        guard listeners.hasNewcomers else { return tell(overview, past: [], withHeat: withHeat) }
        histories.ask(
            others.map { (peer: $0, facts: .askHistory) },
            through: driver,
            patience: Self.patience,
            known: [driver.node: recorder.history],
            isValid: { _ in true }
        ) { past in self.tell(overview, past: Array(past.values), withHeat: withHeat) }
    }

    /// In the order of the ring.
    private func ring(_ pulses: [NodeID: NodePulse]) -> [NodePulse] {
        driver.ring.allMembers.compactMap { pulses[$0.id] }
    }

    private func answer(_ overview: ReplyTree) {
        let asked = waiting
        waiting = []
        guard !asked.isEmpty, case .map(let fields) = overview else { return }
        let whole = ReplyTree.map(fields + [ReplyTree.Field(name: "heat", value: heat ?? .null)])
        for done in asked { done(whole) }
    }

    /// - Parameter past: of each node that answered, where there are newcomers.
    private func tell(_ overview: ReplyTree, past: [PulseHistory], withHeat: Bool) {
        isAsking = false
        answer(overview)
        guard !listeners.isEmpty else { return }
        let events = OverviewEvents(
            overview: overview,
            places: driver.ring,
            heat: heat,
            isHeatNew: withHeat,
            past: listeners.hasNewcomers
                ? OverviewEvents.Past(
                    watched: history,
                    kept: past,
                    now: driver.wall.milliseconds
                ) : nil,
            placesTold: listeners.placesTold
        )
        listeners.placesTold = events.placesKey
        let listeners = NIOLoopBound(self.listeners, eventLoop: driver.eventLoop)
        let newcomers = self.listeners.takeNewcomers()
        // Text of so much is made beside the requests.
        NIOThreadPool.singleton.runIfActive(eventLoop: driver.eventLoop) { events.encoded }
            .whenSuccess { listeners.value.send($0, newcomers: newcomers) }
    }
}

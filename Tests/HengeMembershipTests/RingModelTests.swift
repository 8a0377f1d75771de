import HengeBase
import HengeMembership
import HengeRing
import Testing

@Suite(.serialized) struct RingModelTests {
    @Test("no order of messages, losses and repeats has two rings chosen")
    func messages() throws {
        var options = RingModel.Options()
        options.rounds = 3
        try explore("three rounds", options)
    }

    @Test("nor have crashes")
    func crashes() throws {
        var options = RingModel.Options()
        options.rounds = 2
        options.crashes = 1
        try explore("two rounds, a crash", options)
    }

    @Test("nor has a node that has lost its disk")
    func lostDisk() throws {
        var options = RingModel.Options()
        options.rounds = 2
        options.lostDisks = 1
        try explore("two rounds, a lost disk", options)
    }

    @Test("nor have messages that come while nodes save, and crashes before they have")
    func slowDisks() throws {
        var options = RingModel.Options()
        options.rounds = 1
        options.slowDisks = [0, 1, 2]
        options.crashes = 1
        try explore("one round, slow disks, a crash", options)
    }

    @Test("an acceptor that forgets its promise at a restart is found out")
    func forgottenPromise() throws {
        var options = RingModel.Options()
        options.crashes = 1
        options.isFaulty = true
        options.proposesAgain = false
        options.restart = { saved in
            guard let acceptor = try? RingAcceptor(saved: saved) else { return nil }
            return RingAcceptor(
                document: acceptor.document,
                accepted: acceptor.accepted,
                votesFrom: acceptor.votesFrom
            )
        }
        try findFault("forgotten promises", options)
    }

    @Test("a node that votes although it has lost its disk is found out")
    func votesWithoutDisk() throws {
        var options = RingModel.Options()
        options.lostDisks = 1
        options.isFaulty = true
        options.returned = { RingAcceptor(document: $0, hasLostVotes: false) }
        try findFault("votes of a lost disk", options)
    }

    private func explore(_ name: String, _ options: RingModel.Options) throws {
        let clock = ContinuousClock()
        let start = clock.now
        var model = try RingModel(options)
        let result = model.run()
        print("ring model, \(name): \(result), \(clock.now - start)")
        #expect(result.violation == nil)
        #expect(result.isComplete)
        #expect(result.worldsWithDecision > 0)
    }

    private func findFault(_ name: String, _ options: RingModel.Options) throws {
        var model = try RingModel(options)
        let result = model.run()
        print("ring model, \(name): \(result)")
        #expect(result.violation?.hasPrefix("two documents are chosen") == true)
    }
}

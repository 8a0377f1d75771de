import HengeBase
import HengeCausality
import HengeReplication
import Testing

@Suite struct ActorTableTests {
    private func table(
        _ partitions: Int,
        saved: [ActorTable.Entry?] = [],
        seed: UInt64 = 7
    )
        -> ActorTable
    {
        ActorTable(
            node: NodeID(1), partitions: partitions, saved: saved,
            generator: SeededGenerator(seed: seed))
    }

    @Test("counters rise per partition; a renewed actor starts again under another name")
    func story() {
        var actors = table(2)
        let first = actors.mint(partition: 0)
        #expect(actors.mint(partition: 0) == Dot(actor: first.actor, counter: 2))
        let other = actors.mint(partition: 1)
        #expect(other.actor != first.actor && other.counter == 1)
        actors.renew(partition: 0)
        let renewed = actors.mint(partition: 0)
        #expect(renewed.actor != first.actor && renewed.counter == 1)
        #expect(actors.mint(partition: 1) == Dot(actor: other.actor, counter: 2))
        #expect(actors.renewals == 1)
    }

    @Test("what a clean stop saves goes on where it was; a crash takes other actors")
    func savedEntries() {
        var actors = table(3)
        let last = actors.mint(partition: 1)
        var restarted = table(3, saved: actors.saved, seed: 8)
        restarted.confirm(true)
        #expect(restarted.mint(partition: 1) == Dot(actor: last.actor, counter: last.counter + 1))
        var crashed = table(3, seed: 9)
        #expect(crashed.mint(partition: 1).actor != last.actor)
    }

    @Test("state × input: mint and renew of an unused and of a used actor")
    func states() {
        var unused = table(1)
        unused.renew(partition: 0)
        #expect(unused.renewals == 0 && unused.saved == [nil])
        _ = unused.mint(partition: 0)
        unused.renew(partition: 0)
        #expect(unused.renewals == 1 && unused.saved == [nil])
    }

    @Test("DVV 4: over random runs, restarts and renewals no dot is minted twice")
    func paperUnique() {
        for seed in 1...50 as ClosedRange<UInt64> {
            var generator = SeededGenerator(seed: seed)
            var actors = table(4, seed: generator.next())
            var minted: Set<Dot> = []
            for _ in 0..<500 {
                let partition = generator.below(4)
                switch generator.below(12) {
                case 0: actors.renew(partition: partition)
                case 1:
                    actors = table(4, saved: actors.saved, seed: generator.next())
                    if generator.chance(2, in: 3) { actors.confirm(generator.chance(1, in: 2)) }
                case 2: actors = table(4, seed: generator.next())
                default:
                    let isNew = minted.insert(actors.mint(partition: partition)).inserted
                    #expect(isNew, "seed \(seed)")
                }
            }
        }
    }
}

@Suite struct ProvisionalActorTests {
    private func restarted(seed: UInt64 = 8) -> (ActorTable, [Dot]) {
        var before = ActorTable(
            node: NodeID(1), partitions: 3, saved: [], generator: SeededGenerator(seed: 7))
        let dots = [before.mint(partition: 0), before.mint(partition: 1)]
        let generator = SeededGenerator(seed: seed)
        return (
            ActorTable(node: NodeID(1), partitions: 3, saved: before.saved, generator: generator),
            dots
        )
    }

    @Test("a saved actor is not used before it is confirmed, and then goes on")
    func confirmed() {
        var (actors, dots) = restarted()
        #expect(actors.mint(partition: 0).actor != dots[0].actor)
        #expect(actors.provisionalRenewals == 1 && actors.renewals == 0)
        actors.confirm(true)
        #expect(actors.mint(partition: 1) == Dot(actor: dots[1].actor, counter: 2))
        #expect(actors.mint(partition: 0).counter == 2)
        #expect(actors.provisionalRenewals == 1)
    }

    @Test("refuted: none of them is used again, and what was minted since goes on")
    func refuted() {
        var (actors, dots) = restarted()
        let fresh = actors.mint(partition: 0)
        actors.confirm(false)
        #expect(actors.mint(partition: 0) == Dot(actor: fresh.actor, counter: 2))
        #expect(actors.mint(partition: 1).actor != dots[1].actor)
        #expect(actors.provisionalRenewals == 2 && actors.renewals == 0)
    }

    @Test("one that waits for confirmation at the next stop is saved as it is")
    func savedUnused() {
        let (actors, dots) = restarted()
        #expect(actors.saved[1]?.actor == dots[1].actor && actors.saved[1]?.counter == 1)
    }

    @Test("a loss renews one that waits, once, and a shard without saved ones ignores the word")
    func others() {
        var (actors, dots) = restarted()
        actors.renew(partition: 1)
        #expect(actors.renewals == 1 && actors.mint(partition: 1).actor != dots[1].actor)
        #expect(actors.provisionalRenewals == 0)
        var fresh = ActorTable(
            node: NodeID(1), partitions: 1, saved: [], generator: SeededGenerator(seed: 9))
        let dot = fresh.mint(partition: 0)
        fresh.confirm(false)
        #expect(fresh.mint(partition: 0) == Dot(actor: dot.actor, counter: 2))
    }
}

@Suite struct StandInActorTests {
    @Test("each place has an actor of its own, which a renewal ends")
    func story() {
        var actors = StandInActors(node: NodeID(1), generator: SeededGenerator(seed: 3))
        let first = actors.mint(partition: 0, home: NodeID(1))
        #expect(
            actors.mint(partition: 0, home: NodeID(1)) == Dot(actor: first.actor, counter: 2)
        )
        let other = actors.mint(partition: 0, home: NodeID(2))
        let elsewhere = actors.mint(partition: 1, home: NodeID(1))
        #expect(Set([first.actor, other.actor, elsewhere.actor]).count == 3)
        actors.renew(partition: 0, home: NodeID(1))
        let renewed = actors.mint(partition: 0, home: NodeID(1))
        #expect(renewed.actor != first.actor && renewed.counter == 1)
        #expect(actors.mint(partition: 0, home: NodeID(2)).counter == 2)
    }
}

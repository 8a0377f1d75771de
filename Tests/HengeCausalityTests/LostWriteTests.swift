import HengeCausality
import Testing

/// Why actors are renewed and objects are sent whole: what is lost otherwise, in the shortest
/// stories.
@Suite struct LostWriteTests {
    private let nothing = VersionVector()

    @Test("an actor reused after a lost write mints a dot twice, and an acknowledged value is gone")
    func reusedActorSameDot() {
        let (recovered, other) = writeLostByItsCoordinator()
        var coordinator = recovered
        coordinator.write(value(dot(1, 1), "second"), replacing: nothing)

        // Both were acknowledged and concurrent, yet no replica ever holds both again.
        #expect(texts(merged(coordinator, other)) == ["second"])
        #expect(texts(merged(other, coordinator)) == ["first"])
    }

    @Test("a reused actor with a saved counter claims the write it lost, and merging drops it")
    func reusedActorWithGap() {
        let (recovered, other) = writeLostByItsCoordinator()
        var coordinator = recovered
        coordinator.write(value(dot(1, 2), "second"), replacing: nothing)

        #expect(texts(merged(coordinator, other)) == ["second"])
        #expect(texts(merged(other, coordinator)) == ["second"])
    }

    @Test("under a renewed actor both acknowledged values stay")
    func renewedActor() {
        let (recovered, other) = writeLostByItsCoordinator()
        var coordinator = recovered
        coordinator.write(value(dot(9, 1), "second"), replacing: nothing)

        #expect(texts(merged(coordinator, other)) == ["first", "second"])
        #expect(merged(coordinator, other) == merged(other, coordinator))
    }

    @Test(
        "sending the newest sibling alone drops the others; the whole object does not"
    )
    func partialState() {
        var sender = VersionedObject()
        sender.write(value(dot(1, 1), "first"), replacing: nothing)
        let receiver = sender
        sender.write(value(dot(1, 2), "second"), replacing: nothing)

        var part = VersionedObject()
        part.write(value(dot(1, 2), "second"), replacing: nothing)

        #expect(texts(merged(receiver, part)) == ["second"])
        #expect(texts(merged(receiver, sender)) == ["first", "second"])
        // It spreads: who took the part alone now drops the value wherever it still is.
        #expect(texts(merged(merged(VersionedObject(), part), receiver)) == ["second"])
    }

    @Test("a forged context or object that claims a dot not yet minted is told before the write")
    func forgedClaims() {
        var object = VersionedObject()
        object.write(value(dot(1, 1), "a"), replacing: nothing)
        #expect(object.isNew(dot(1, 2), replacing: vector(dot(1, 1))))
        #expect(!object.isNew(dot(1, 2), replacing: vector(dot(1, 2))))
        #expect(!object.isNew(dot(1, 1), replacing: nothing))
        #expect(object.isNew(dot(2, 1), replacing: vector(dot(1, .max))))

        object.write(value(dot(2, 1), "b"), replacing: vector(dot(1, .max)))
        #expect(texts(object) == ["b"])
        #expect(!object.isNew(dot(1, 2), replacing: nothing))
    }

    /// A coordinator under actor 1 writes dot 1:1, which another replica stores too; then the
    /// coordinator loses its disk.
    private func writeLostByItsCoordinator() -> (
        recovered: VersionedObject, other: VersionedObject
    ) {
        var coordinator = VersionedObject()
        coordinator.write(value(dot(1, 1), "first"), replacing: nothing)
        return (VersionedObject(), coordinator)
    }
}

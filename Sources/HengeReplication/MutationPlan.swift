package import HengeBase
package import HengeCausality
package import HengeMessages

/// What a write does to the object that its coordinating replica holds: arithmetic without phases.
package enum MutationPlan {
    package enum Decision: Sendable {
        /// Write this payload with this expiry, replacing what the vector covers.
        case write(Sibling.Payload, expiry: WallTime?, replacing: VersionVector)
        case notApplied
        case conflict(siblings: Int)
    }

    /// - Parameters:
    ///   - object: what the coordinating replica knows, with what a read before found.
    ///   - siblingsMax: a causal write that would leave more is refused.
    package static func decide(
        _ mutation: Mutation,
        on object: VersionedObject,
        wall: WallTime,
        siblingsMax: Int
    ) -> Decision {
        let newest = object.newestLive(at: wall)
        guard holds(mutation, newest, wall) else { return .notApplied }
        let payload: Sibling.Payload
        switch mutation.content {
        case .value(let value, let metadata): payload = .value(value, metadata: metadata)
        case .tombstone: payload = .tombstone
        case .unchanged:
            guard let newest else { return .notApplied }
            payload = newest.payload
        }
        let expiry: WallTime?
        switch mutation.expiry {
        case .never: expiry = nil
        case .at(let wall): expiry = wall
        case .keep: expiry = newest?.expiry
        }
        let replacing: VersionVector
        switch mutation.basis {
        case .coordinator: replacing = object.context
        case .context(let vector): replacing = vector
        case .nothing: replacing = VersionVector()
        }
        let count = object.siblingCount(afterWriteReplacing: replacing)
        guard count <= siblingsMax else { return .conflict(siblings: count) }
        return .write(
            payload,
            expiry: payload == .tombstone ? nil : expiry,
            replacing: replacing
        )
    }

    /// What a write leaves alone in the record, whatever it finds there, as a plain `SET` does; nil
    /// of a write whose outcome hangs on more than the context of what is there.
    package static func replacement(
        _ mutation: Mutation
    ) -> (payload: Sibling.Payload, expiry: WallTime?)? {
        guard needsNoValue(mutation), case .coordinator = mutation.basis else { return nil }
        switch (mutation.content, mutation.expiry) {
        case (.value(let value, let metadata), .never):
            return (.value(value, metadata: metadata), nil)
        case (.value(let value, let metadata), .at(let expiry)):
            return (.value(value, metadata: metadata), expiry)
        case (.tombstone, _): return (.tombstone, nil)  // What is deleted does not expire.
        case (.value, .keep), (.unchanged, _): return nil
        }
    }

    /// Whether a write does the same whatever values it finds: it depends on none, and tells none.
    package static func needsNoValue(_ mutation: Mutation) -> Bool {
        if case .unchanged = mutation.content { return false }
        return mutation.condition == .always && mutation.expiry != .keep
            && !mutation.returnsPrevious
    }

    /// Whether a write that ``needsNoValue(_:)`` leaves no sibling of a record of this version.
    package static func replacesAll(of version: EncodedVersion, _ mutation: Mutation) -> Bool {
        switch mutation.basis {
        case .coordinator: true
        case .context(let vector): version.writes.allSatisfy { vector.covers($0.dot) }
        case .nothing: version.siblingCount == 0
        }
    }

    private static func holds(_ mutation: Mutation, _ newest: Sibling?, _ wall: WallTime) -> Bool {
        switch mutation.condition {
        case .always: return true
        case .absent: return newest == nil
        case .present: return newest != nil
        case .presentWithoutExpiry: return newest != nil && newest?.expiry == nil
        case .presentWithExpiry: return newest?.expiry != nil
        case .expiryEarlier:
            guard let newest, case .at(let wanted) = mutation.expiry else { return false }
            return newest.expiry.map { $0 < wanted } ?? false
        case .expiryLater:
            guard let newest, case .at(let wanted) = mutation.expiry else { return false }
            return newest.expiry.map { wanted < $0 } ?? true
        }
    }
}

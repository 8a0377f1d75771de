package import HengeCausality

/// The causal merge on encoded objects, which costs nothing where one side already holds all.
package enum ObjectMerge {
    /// Everything that either replica knows. Returns `a` or `b` themselves where the merge equals
    /// one.
    package static func merge(_ a: EncodedObject, _ b: EncodedObject) -> EncodedObject {
        if a.hasSameVersion(as: b) { return a }
        // What a coordinator sends replaces all that is here as a rule, which the headers tell.
        if b.supersedes(a) { return b }
        var object = a.decoded()
        object.merge(b.decoded())
        let merged = object.encoded()
        // The version tells all, so the original bytes serve and the copy of the values is dropped.
        if merged.hasSameVersion(as: b) { return b }
        return merged.hasSameVersion(as: a) ? a : merged
    }

    /// Whether ``merge(_:_:covered:)`` of a record of this version and `incoming` is `incoming`,
    /// as far as the version tells.
    package static func replaces(
        _ local: EncodedVersion,
        by incoming: EncodedObject,
        covered watermark: VersionVector
    ) -> Bool {
        local.isSuperseded(by: incoming)
            && (watermark.isEmpty || !incoming.holdsSibling(coveredBy: watermark))
    }

    package static func merge(_ a: EncodedObject?, _ b: EncodedObject?) -> EncodedObject? {
        guard let a else { return b }
        guard let b else { return a }
        return merge(a, b)
    }

    /// What comes of a record that another replica sent, where some of its siblings may be known to
    /// have been replaced, or purged, here.
    package struct Merged: Hashable, Sendable {
        /// What to store; nil when nothing is left of what came and there is no record here.
        package var object: EncodedObject?
        /// Siblings of what came that are obsolete.
        package var dropped: Int

        package init(object: EncodedObject?, dropped: Int) {
            self.object = object
            self.dropped = dropped
        }
    }

    /// As ``merge(_:_:)``, but without the siblings of `incoming` that the watermark covers and
    /// `local` does not hold: this replica had each of them, and has replaced or purged it since.
    ///
    /// - Parameter watermark: the dots that every home replica has taken in; empty where that is
    ///   not known, and then this costs what a merge does.
    package static func merge(
        _ local: EncodedObject?,
        _ incoming: EncodedObject,
        covered watermark: VersionVector
    ) -> Merged {
        guard !watermark.isEmpty else {
            return Merged(object: merge(local, incoming) ?? incoming, dropped: 0)
        }
        if let local, local.hasSameVersion(as: incoming) {
            return Merged(object: local, dropped: 0)
        }
        // Most of what comes is new, which its header tells.
        guard incoming.holdsSibling(coveredBy: watermark) else {
            return Merged(object: merge(local, incoming) ?? incoming, dropped: 0)
        }
        return mergeDecoded(local, incoming, covered: watermark)
    }

    private static func mergeDecoded(
        _ local: EncodedObject?,
        _ incoming: EncodedObject,
        covered watermark: VersionVector
    ) -> Merged {
        let held = local?.decoded()
        let theirs = incoming.decoded()
        // Both have their siblings in order of dot, but there are seldom more than two.
        let left = theirs.siblings.filter { sibling in
            !watermark.covers(sibling.dot)
                || held?.siblings.contains { $0.dot == sibling.dot } == true
        }
        let dropped = theirs.siblings.count - left.count
        guard dropped > 0 else {
            return Merged(object: merge(local, incoming) ?? incoming, dropped: 0)
        }
        guard let local, var object = held else {
            let rest = VersionedObject(context: theirs.context, siblings: left)
            return Merged(object: left.isEmpty ? nil : rest.encoded(), dropped: dropped)
        }
        object.merge(VersionedObject(context: theirs.context, siblings: left))
        let merged = object.encoded()
        return Merged(object: merged.hasSameVersion(as: local) ? local : merged, dropped: dropped)
    }
}

package import HengeCausality

/// The causal merge on encoded objects, which costs nothing where one side already holds all.
package enum ObjectMerge {
    /// Everything that either replica knows. Returns `a` or `b` themselves where the merge equals
    /// one.
    package static func merge(_ a: EncodedObject, _ b: EncodedObject) -> EncodedObject {
        if a.hasSameVersion(as: b) { return a }
        var object = a.decoded()
        object.merge(b.decoded())
        let merged = object.encoded()
        // The version tells all, so the original bytes serve and the copy of the values is dropped.
        if merged.hasSameVersion(as: b) { return b }
        return merged.hasSameVersion(as: a) ? a : merged
    }

    package static func merge(_ a: EncodedObject?, _ b: EncodedObject?) -> EncodedObject? {
        guard let a else { return b }
        guard let b else { return a }
        return merge(a, b)
    }
}

package import HengeCausality
extension ObjectMerge {
    package struct Merged { package var object: EncodedObject?; package var dropped: Int }
    package static func merge(_ local: EncodedObject?, _ incoming: EncodedObject, covered: VersionVector) -> Merged {
        Merged(object: merge(local, incoming), dropped: 0)
    }
}
extension EncodedObject { package var withoutSiblings: EncodedObject { VersionedObject(context: context, siblings: []).encoded() } }

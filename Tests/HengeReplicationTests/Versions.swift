import HengeBase
import HengeCausality
import HengeMessages

import struct NIOCore.ByteBuffer

/// One version of a key, spelled `a1 b2` for the writes it has seen and `=a1` for those that still
/// stand.
struct Version: Hashable, CustomStringConvertible {
    var seen: Set<Dot> = []
    var standing: Set<Dot> = []

    static let absent = Version()

    /// The naive merge, on sets of whole causal histories.
    func merged(with other: Version) -> Version {
        Version(
            seen: seen.union(other.seen),
            standing: standing.intersection(other.standing)
                .union(standing.subtracting(other.seen))
                .union(other.standing.subtracting(seen))
        )
    }

    func writing(_ dot: Dot, replacing replaced: Set<Dot>) -> Version {
        Version(
            seen: seen.union(replaced).union([dot]),
            standing: standing.subtracting(replaced).union([dot])
        )
    }

    var object: EncodedObject? {
        Version.catalogueObjects[self] ?? encoded
    }

    private var encoded: EncodedObject? {
        guard !seen.isEmpty else { return nil }
        var context = VersionVector()
        for dot in seen.sorted() { context.record(dot) }
        let siblings = standing.sorted().map { dot in
            Sibling(
                dot: dot,
                timestamp: HybridTimestamp(rawValue: dot.counter << 16 | dot.actor.rawValue),
                expiry: nil,
                payload: .value(ByteBuffer(string: "value of \(dot)"))
            )
        }
        return VersionedObject(context: context, siblings: siblings).encoded()
    }

    var digest: VersionDigest { VersionDigest(of: object) }

    var description: String {
        seen.isEmpty ? "absent" : "\(seen.sorted())=\(standing.sorted())"
    }
}

func dot(_ actor: UInt64, _ counter: UInt64) -> Dot {
    Dot(actor: ActorID(rawValue: actor), counter: counter)
}

extension Version {
    /// Absent, a write, one that replaced it, another that did, both of these, and an unrelated
    /// write.
    static let catalogue: [Version] = {
        let first = absent.writing(dot(1, 1), replacing: [])
        let second = first.writing(dot(1, 2), replacing: first.seen)
        let third = first.writing(dot(2, 1), replacing: first.seen)
        let blind = absent.writing(dot(3, 1), replacing: [])
        return [absent, first, second, third, second.merged(with: third), blind]
    }()

    /// Encoded once, since the generated tests ask for them a million times.
    private static let catalogueObjects: [Version: EncodedObject] = {
        var objects: [Version: EncodedObject] = [:]
        for version in catalogue { objects[version] = version.encoded }
        return objects
    }()
}

/// All orders of the items.
func permutations<T>(_ items: [T]) -> [[T]] {
    guard items.count > 1 else { return [items] }
    return items.indices.flatMap { index in
        var rest = items
        let first = rest.remove(at: index)
        return permutations(rest).map { [first] + $0 }
    }
}

/// All sequences of `count` of the items.
func sequences<T>(of items: [T], count: Int) -> [[T]] {
    guard count > 0 else { return [[]] }
    let shorter = sequences(of: items, count: count - 1)
    return items.flatMap { item in shorter.map { [item] + $0 } }
}

func key(_ text: String) -> StoredKey {
    StoredKey(bucket: ByteBuffer(string: "default"), key: ByteBuffer(string: text))
}

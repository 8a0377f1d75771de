package import HengeCausality
import HengeMessages

/// The names of versions in `ETag`, in `?vtag=` and in the list of siblings: equal on all nodes,
/// different for each write.
package enum ObjectTag {
    private static let alphabet = Array(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8
    )
    /// Digits of 64 bits in base 62.
    private static let digitsMax = 11

    /// Of one write: 22 characters, as Riak's.
    package static func of(_ dot: Dot) -> String {
        text(dot.actor.rawValue) + text(dot.counter)
    }

    /// Of an object with all of its siblings.
    package static func of(_ object: EncodedObject) -> String {
        text(VersionDigest(of: object).rawValue) + text(UInt64(object.siblingCount))
    }

    /// For a key, a boundary: 27 characters at random, some 160 bits.
    package static func random() -> String {
        let digits = (0..<27).map { _ in alphabet[Int.random(in: 0..<alphabet.count)] }
        return String(decoding: digits, as: UTF8.self)
    }

    private static func text(_ number: UInt64) -> String {
        var digits: [UInt8] = []
        var rest = number
        for _ in 0..<digitsMax {
            digits.append(alphabet[Int(rest % 62)])
            rest /= 62
        }
        return String(decoding: digits.reversed(), as: UTF8.self)
    }
}

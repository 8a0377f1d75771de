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
        text(dot.actor.rawValue, dot.counter)
    }

    /// Of an object with all of its siblings.
    package static func of(_ object: EncodedObject) -> String {
        text(VersionDigest(of: object).rawValue, UInt64(object.siblingCount))
    }

    /// For a key, a boundary: 27 characters at random, some 160 bits.
    package static func random() -> String {
        let digits = (0..<27).map { _ in alphabet[Int.random(in: 0..<alphabet.count)] }
        return String(decoding: digits, as: UTF8.self)
    }

    private static func text(_ first: UInt64, _ second: UInt64) -> String {
        String(unsafeUninitializedCapacity: 2 * digitsMax) { out in
            write(first, to: out, at: 0)
            write(second, to: out, at: digitsMax)
            return 2 * digitsMax
        }
    }

    private static func write(
        _ number: UInt64,
        to out: UnsafeMutableBufferPointer<UInt8>,
        at start: Int
    ) {
        var rest = number
        for index in (start..<start + digitsMax).reversed() {
            out.initializeElement(at: index, to: alphabet[Int(rest % 62)])
            rest /= 62
        }
    }
}

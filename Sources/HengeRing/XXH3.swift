import CXXHash

/// The 64-bit XXH3 hash of libxxhash. Stable across releases and machines, so results may be
/// stored.
///
/// Not for keys that an attacker chooses to collide.
package enum XXH3 {
    package static func hash64(_ bytes: UnsafeRawBufferPointer, seed: UInt64 = 0) -> UInt64 {
        XXH3_64bits_withSeed(bytes.baseAddress, bytes.count, seed)
    }
}

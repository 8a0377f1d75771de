/// A horizontal bar of block characters, exact to an eighth of a character.
package enum Bar {
    private static let eighths: [Character] = ["▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"]

    /// - Parameters:
    ///   - fraction: of the full width; what is outside 0...1 is drawn as the nearest.
    ///   - width: of the full bar, in characters.
    ///   - padded: whether to fill up with spaces to the full width.
    package static func text(_ fraction: Double, width: Int, padded: Bool = false) -> String {
        let bounded = fraction.isFinite ? min(1, max(0, fraction)) : 0
        var steps = Int((bounded * Double(width * 8)).rounded())
        // Something is never drawn as nothing.
        if steps == 0, bounded > 0 { steps = 1 }
        var bar = String(repeating: "█", count: steps / 8)
        if steps % 8 > 0 { bar.append(eighths[steps % 8 - 1]) }
        if padded { bar += String(repeating: " ", count: width - bar.count) }
        return bar
    }
}

/// Bars as inline SVG, so that they are printed, too.
package enum BarPicture {
    /// One bar as wide as its place.
    ///
    /// - Parameters:
    ///   - part: of the whole width; what is outside 0...1 is drawn as the nearest.
    ///   - mark: where to draw a line across, such as at the fair share.
    package static func bar(_ part: Double, mark: Double?, node: Int?) -> HTML {
        var parts = [
            HTML.tag(
                "rect",
                [
                    "class": node.map(PageStyle.nodeClass) ?? "bar", "x": "0", "y": "1",
                    "width": SVGNumber.text(bounded(part) * 200), "height": "12",
                ]
            )
        ]
        if let mark {
            let x = SVGNumber.text(bounded(mark) * 198 + 1)
            parts.append(
                .tag("line", ["class": "mark", "x1": x, "x2": x, "y1": "0", "y2": "14"]))
        }
        return .tag(
            "svg",
            ["viewBox": "0 0 200 14", "preserveAspectRatio": "none", "aria-hidden": "true"],
            parts
        )
    }

    private static func bounded(_ part: Double) -> Double {
        part.isFinite ? min(1, max(0, part)) : 0
    }

    /// Bars side by side over their labels.
    ///
    /// - Parameters:
    ///   - bars: from left to right, at most some 40.
    ///   - title: what the picture shows, for those who can't see it.
    package static func histogram(_ bars: [(label: String, count: Int)], title: String) -> HTML {
        let width = 400.0
        let height = 190.0
        let base = 140.0
        let most = Double(max(1, bars.map(\.count).max() ?? 1))
        let step = width / Double(max(1, bars.count))
        // Labels are as long as some seven digits.
        let every = max(1, Int((58 / step).rounded(.up)))
        var parts: [HTML] = [.tag("title", [:], title)]
        for (index, bar) in bars.enumerated() {
            let x = Double(index) * step
            var tall = (base - 20) * Double(bar.count) / most
            // Something is never drawn as nothing.
            if bar.count > 0 { tall = max(tall, 1.5) }
            parts.append(
                .tag(
                    "rect",
                    [
                        "class": "bar", "x": SVGNumber.text(x + step * 0.08),
                        "y": SVGNumber.text(base - tall),
                        "width": SVGNumber.text(step * 0.84), "height": SVGNumber.text(tall),
                    ],
                    [.tag("title", [:], "\(bar.label): \(Wording.grouped(bar.count))")]
                )
            )
            if index % every == 0 { parts.append(label(bar.label, x: x + step / 2, y: base + 16)) }
            if Double(bar.count) == most {
                parts.append(
                    label(Wording.grouped(bar.count), x: x + step / 2, y: base - tall - 5))
            }
        }
        parts.append(
            .tag(
                "line",
                [
                    "class": "axis", "x1": "0", "x2": "400", "y1": SVGNumber.text(base),
                    "y2": SVGNumber.text(base),
                ]
            )
        )
        return .tag(
            "svg", ["viewBox": "0 0 \(Int(width)) \(Int(height) - 30)", "role": "img"], parts)
    }

    /// Kept inside the picture at both ends.
    private static func label(_ text: String, x: Double, y: Double) -> HTML {
        let half = Double(text.count) * 3.4
        let inside = min(max(x, half), 400 - half)
        return .tag(
            "text",
            ["x": SVGNumber.text(inside), "y": SVGNumber.text(y), "text-anchor": "middle"], text)
    }
}

/// Numbers of pictures, to a tenth.
enum SVGNumber {
    static func text(_ number: Double) -> String { Wording.decimal(number, places: 1) }
}

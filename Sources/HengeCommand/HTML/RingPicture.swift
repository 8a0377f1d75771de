import Glibc

/// The ring as inline SVG: who claims each position, and outside how many keys lie there.
package enum RingPicture {
    /// More are drawn as so many groups of equal size.
    package static let segmentsMax = 1024
    private static let size = 400.0
    private static let inner = 96.0
    private static let outer = 126.0
    private static let bars = 130.0
    private static let barsMax = 66.0

    /// - Parameters:
    ///   - owners: by position, clockwise from the top: indexes of nodes.
    ///   - loads: by position: any unit.
    ///   - names: of the nodes.
    package static func svg(
        owners: [Int],
        loads: [Double],
        names: [String],
        middle: [String]
    ) -> HTML {
        let count = max(1, min(segmentsMax, owners.count))
        var arcs: [Int: String] = [:]
        var groups = [Double](repeating: 0, count: count)
        for (index, load) in loads.enumerated() { groups[index * count / loads.count] += load }
        for segment in 0..<count where !owners.isEmpty {
            let owner = owners[segment * owners.count / count]
            arcs[owner, default: ""] += sector(segment, count, inner, outer)
        }
        let most = groups.max() ?? 0
        var spikes = ""
        for (segment, load) in groups.enumerated() where load > 0 && most > 0 {
            spikes += sector(segment, count, bars, bars + max(0.6, barsMax * load / most))
        }
        var parts: [HTML] = [.tag("title", [:], "The ring: who claims each position, and its keys")]
        // Between thin segments edges would be all that is seen.
        let edge = count <= 256 ? "edge " : ""
        for owner in arcs.keys.sorted() {
            let name = names.indices.contains(owner) ? names[owner] : ""
            parts.append(
                .tag(
                    "path",
                    ["class": "\(edge)\(PageStyle.nodeClass(owner))", "d": arcs[owner] ?? ""],
                    [.tag("title", [:], name)]
                )
            )
        }
        parts.append(.tag("path", ["class": "bar", "d": spikes]))
        for (index, line) in middle.enumerated() {
            let y = size / 2 + 5 + (Double(index) - Double(middle.count - 1) / 2) * 19
            parts.append(
                .tag(
                    "text",
                    [
                        "x": SVGNumber.text(size / 2), "y": SVGNumber.text(y),
                        "text-anchor": "middle", "class": index == 0 ? "" : "soft",
                    ],
                    line
                )
            )
        }
        return .tag("svg", ["viewBox": "0 0 400 400", "role": "img"], parts)
    }

    /// A piece of a ring between two radii.
    private static func sector(_ index: Int, _ count: Int, _ near: Double, _ far: Double) -> String
    {
        let start = 2 * Double.pi * Double(index) / Double(count)
        let end = 2 * Double.pi * Double(index + 1) / Double(count)
        let wide = count == 1 ? end - 0.0001 : end
        let large = wide - start > Double.pi ? 1 : 0
        return "M\(point(start, far))A\(radius(far)) 0 \(large) 1 \(point(wide, far))"
            + "L\(point(wide, near))A\(radius(near)) 0 \(large) 0 \(point(start, near))Z"
    }

    private static func radius(_ radius: Double) -> String {
        "\(SVGNumber.text(radius)) \(SVGNumber.text(radius))"
    }

    /// At an angle clockwise from the top.
    private static func point(_ angle: Double, _ radius: Double) -> String {
        let x = size / 2 + radius * sin(angle)
        let y = size / 2 - radius * cos(angle)
        return "\(Wording.decimal(x, places: 2)) \(Wording.decimal(y, places: 2))"
    }

    package static func legend(_ names: [String]) -> HTML {
        .tag(
            "div", ["class": "legend"],
            names.enumerated().map { index, name in
                .tag(
                    "span", [:],
                    [
                        .tag(
                            "span", ["class": "key \(PageStyle.nodeClass(index))"],
                            String(Paint.letter(index))
                        ),
                        .text(name),
                    ]
                )
            }
        )
    }
}

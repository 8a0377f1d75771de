package import HengeClient
package import HengeRing

package import struct NIOCore.ByteBuffer

/// The records that stand out, from `HENGE.REPORT SIBLINGS` or `SIZES`.
package struct RecordsView: Sendable {
    package enum Kind: String, Sendable {
        case siblings, sizes
    }

    package struct Record: Sendable {
        package var bucket: ByteBuffer
        package var key: ByteBuffer
        package var bytes: Int
        package var siblings: Int
    }

    package var kind: Kind
    package var keys: Int
    package var siblings: Int
    package var missing: [String]
    package var lookedAt: Int
    package var population: Int
    package var isExact: Bool
    package var records: [Record]
    package var histogram: BinaryHistogram

    package init(_ reply: HengeReply) throws(ReplyFields.Fault) {
        let fields = try ReplyFields(reply)
        guard let kind = Kind(rawValue: try fields.string("report")) else {
            throw ReplyFields.Fault(field: "report", wanted: "siblings or sizes")
        }
        self.kind = kind
        keys = try fields.integer("keys")
        siblings = try fields.integer("siblings")
        missing = try fields.strings("missing")
        lookedAt = try fields.integer("looked_at")
        population = try fields.integer("of")
        isExact = try fields.boolean("exact")
        records = []
        for record in try fields.maps("records") {
            records.append(
                Record(
                    bucket: try record.bytes("bucket"),
                    key: try record.bytes("key"),
                    bytes: try record.integer("bytes"),
                    siblings: try record.integer("siblings")
                )
            )
        }
        var counts: [Int] = []
        for entry in try fields.maps("histogram") { counts.append(try entry.integer("count")) }
        guard let histogram = BinaryHistogram(counts: counts) else {
            throw ReplyFields.Fault(field: "histogram", wanted: "a histogram")
        }
        self.histogram = histogram
    }

    // MARK: Words

    private var title: String {
        kind == .siblings ? "Keys with the most siblings" : "Largest objects"
    }

    private var summary: String {
        let total =
            kind == .siblings
            ? "\(Wording.grouped(siblings)) siblings beyond the first in "
                + "\(Wording.grouped(keys)) keys"
            : "\(Wording.grouped(keys)) keys"
        guard population > 0 else {
            return total + (kind == .siblings ? ": nothing to look for" : "")
        }
        let place = kind == .siblings ? " where siblings are" : ""
        return isExact
            ? "\(total); all \(Wording.grouped(lookedAt)) records\(place) were looked at"
            : "\(total); \(Wording.grouped(lookedAt)) of \(Wording.grouped(population)) records"
                + "\(place) were looked at, so there may be others: --sample raises it"
    }

    // MARK: Text

    package func lines(limit: Int, color: Bool) -> [String] {
        var table = Table([
            .init("bucket"), .init("siblings", .right), .init("size", .right), .init(""),
            .init("key"),
        ])
        let most = Double(records.first.map(measure) ?? 0)
        for record in records.prefix(limit) {
            table.add([
                Painted(Wording.printable(record.bucket, limit: 40)),
                Painted(Wording.grouped(record.siblings)), Painted(Wording.bytes(record.bytes)),
                Painted(
                    Bar.text(
                        most > 0 ? Double(measure(record)) / most : 0, width: 20, padded: true)),
                Painted(Wording.printable(record.key, limit: 120), .bold),
            ])
        }
        var lines = [summary]
        if !records.isEmpty { lines += [""] + table.lines(color: color) }
        if !missing.isEmpty {
            let names = missing.map { Wording.printable($0) }.joined(separator: ", ")
            lines.append(Paint.doubtful("no answer, or not all, from \(names)", color: color))
        }
        return lines
    }

    /// What the list is sorted by.
    private func measure(_ record: Record) -> Int {
        kind == .siblings ? record.siblings : record.bytes
    }

    // MARK: HTML

    package func page(limit: Int) -> HTMLPage {
        var table = HTMLTable(title, ["<key", "<bucket", "siblings", "size", "<of the first"])
        let most = Double(records.first.map(measure) ?? 0)
        for record in records.prefix(limit) {
            table.add([
                .long(Wording.printable(record.key)), .text(Wording.printable(record.bucket)),
                .number(Wording.grouped(record.siblings)), .number(Wording.bytes(record.bytes)),
                .bar(most > 0 ? Double(measure(record)) / most : 0, mark: nil, node: nil),
            ])
        }
        var sections: [HTML] = []
        if !missing.isEmpty {
            sections.append(
                HTMLPage.paragraphs([
                    "No answer, or not all, from \(missing.joined(separator: ", "))."
                ]))
        }
        sections.append(HTMLPage.section("Records", table.isEmpty ? [] : [table.html]))
        let first = histogram.counts.firstIndex { $0 > 0 } ?? 0
        let bars = histogram.counts.enumerated().dropFirst(first).map { index, count in
            let from = BinaryHistogram.range(of: index).lowerBound
            return (label: kind == .siblings ? "\(from)" : Wording.bytes(from), count: count)
        }
        if !bars.isEmpty {
            let caption =
                kind == .siblings
                ? "Records by their number of siblings, from" : "Values by their size, from"
            sections.append(
                HTMLPage.figures([
                    HTMLPage.figure(caption, BarPicture.histogram(bars, title: caption))
                ]))
        }
        return HTMLPage(title: title, subtitle: summary + ".", sections: sections)
    }
}

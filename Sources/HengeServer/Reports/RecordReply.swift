package import HengeRing

/// The records of a cluster that stand out: what `HENGE.REPORT SIBLINGS` and `SIZES` reply.
package struct RecordReply {
    package enum Kind: String, Sendable {
        /// Those with the most siblings.
        case siblings
        /// The largest.
        case sizes
    }

    package static let recordsMax = RecordSample.recordsMax

    package let tree: ReplyTree

    /// - Parameter survey: with a sample, unless there was nothing to look at.
    package init(_ kind: Kind, _ survey: DistributionSurvey) {
        let total = survey.cells.total
        let sample = survey.sample ?? RecordSample()
        let records = kind == .siblings ? sample.mostSiblings : sample.largest
        let histogram = kind == .siblings ? sample.siblings : sample.valueBytes
        tree = .map([
            "report": .text(kind.rawValue),
            "keys": .integer(total.keys),
            "bytes": .integer(total.bytes),
            "siblings": .integer(total.siblings),
            "tombstones": .integer(total.tombstones),
            "missing": .array((survey.missing + sample.missing).map { .text($0) }),
            "looked_at": .integer(sample.records),
            "of": .integer(sample.population),
            "exact": .boolean(sample.isComplete && survey.missing.isEmpty),
            "records": .array(records.map(DistributionReply.record)),
            "histogram": DistributionReply.histogram(histogram),
        ])
    }
}

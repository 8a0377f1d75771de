package import HengeRing

import struct NIOCore.ByteBuffer

/// A report on where keys lie, in the shape of `henge report distribution --json`, which
/// docs/reports.md describes; also what `HENGE.REPORT DISTRIBUTION` replies.
package struct DistributionReply {
    package static let largestPartitions = 10

    package let tree: ReplyTree

    /// - Parameter more: fields to be added to the report's own.
    package init(_ report: DistributionReport, adding more: [ReplyTree.Field] = []) {
        let survey = report.survey
        let document = survey.ring.document
        let names = document.members.reduce(into: [:]) { $0[$1.id] = $1.name }
        let own: KeyValuePairs<String, ReplyTree> = [
            "source": .text(survey.source.rawValue),
            "keys": .integer(report.total.keys),
            "bytes": .integer(report.total.bytes),
            "siblings": .integer(report.total.siblings),
            "tombstones": .integer(report.total.tombstones),
            "efficiency": .double(report.nodeStatistics.keys.efficiency),
            "efficiency_bytes": .double(report.nodeStatistics.bytes.efficiency),
            "exact": .boolean(survey.missing.isEmpty && survey.counting.isEmpty),
            "changing": .boolean(survey.isChanging),
            "epoch": .integer(Int64(clamping: document.epoch)),
            "replicas": .integer(document.replicas),
            "missing": .array(survey.missing.map { .text($0) }),
            "counting": .array(survey.counting.map { .text($0) }),
            "nodes": .array(report.nodes.map(Self.node)),
            "zones": .array(report.zones.map(Self.zone)),
            "partitions": .array(report.partitions.enumerated().map { Self.partition($0, $1) }),
            "owners": .array(document.owners.map { .text(names[$0] ?? $0.description) }),
            "statistics": .map([
                "nodes": Self.statistics(report.nodeStatistics),
                "partitions": Self.statistics(report.partitionStatistics),
            ]),
            "chi_square": Self.test(report.chiSquare),
            "chi_square_within_slots": Self.test(report.fineChiSquare),
            "largest_partitions": .array(
                report.largestPartitions(Self.largestPartitions).map { Self.partition($0, $1) }
            ),
            "hash_tags": survey.hashTags.map(Self.tags) ?? .null,
            "key_bytes": survey.keyBytes.map(Self.histogram) ?? .null,
            "sample": survey.sample.map(Self.sample) ?? .null,
            "findings": .array(report.findings.map(Self.finding)),
        ]
        tree = .map(own.map(ReplyTree.Field.init(name:value:)) + more)
    }

    /// Keys, bytes, siblings, tombstones; nulls where they are not known.
    private static func fields(_ load: KeyLoad?) -> [ReplyTree.Field] {
        let numbers = [
            ("keys", load?.keys), ("bytes", load?.bytes), ("siblings", load?.siblings),
            ("tombstones", load?.tombstones),
        ]
        return numbers.map { name, number in
            ReplyTree.Field(name: name, value: number.map { .integer($0) } ?? .null)
        }
    }

    private static func node(_ node: DistributionReport.Node) -> ReplyTree {
        let place: KeyValuePairs<String, ReplyTree> = [
            "name": .text(node.member.name),
            "id": .integer(Int(node.member.id.rawValue)),
            "zone": .text(node.member.zone),
            "weight": .integer(node.member.weight),
            "vnodes": .integer(node.vnodes),
            "partitions": .integer(node.replicas),
        ]
        let shares: KeyValuePairs<String, ReplyTree> = [
            "share": node.share.map { .double($0) } ?? .null,
            "share_bytes": node.bytesShare.map { .double($0) } ?? .null,
            "fair_share": .double(node.fairShare),
            "placed_share": .double(node.placedShare),
        ]
        return .map(
            place.map(ReplyTree.Field.init(name:value:)) + fields(node.load)
                + shares.map(ReplyTree.Field.init(name:value:))
        )
    }

    private static func zone(_ zone: DistributionReport.Zone) -> ReplyTree {
        .map(
            [
                ReplyTree.Field(name: "name", value: .text(zone.name)),
                ReplyTree.Field(name: "nodes", value: .integer(zone.nodes)),
            ] + fields(zone.load) + [
                ReplyTree.Field(name: "share", value: .double(zone.share)),
                ReplyTree.Field(name: "fair_share", value: .double(zone.fairShare)),
            ]
        )
    }

    private static func partition(_ partition: Int, _ load: KeyLoad) -> ReplyTree {
        .map([ReplyTree.Field(name: "partition", value: .integer(partition))] + fields(load))
    }

    private static func statistics(
        _ pair: DistributionReport.Pair<DistributionStatistics>
    ) -> ReplyTree {
        func tree(_ statistics: DistributionStatistics) -> ReplyTree {
            .map([
                "mean": .double(statistics.mean),
                "standard_deviation": .double(statistics.standardDeviation),
                "min": .double(statistics.minimum),
                "max": .double(statistics.maximum),
                "max_to_mean": .double(DistributionReport.maximumToMean(statistics)),
                "max_to_fair": .double(statistics.maximumToFair),
                "efficiency": .double(statistics.efficiency),
            ])
        }
        return .map(["keys": tree(pair.keys), "bytes": tree(pair.bytes)])
    }

    private static func test(_ test: ChiSquareTest?) -> ReplyTree {
        guard let test else { return .null }
        return .map([
            "statistic": .double(test.statistic),
            "degrees": .integer(test.degrees),
            "p": .double(test.p),
        ])
    }

    private static func tags(_ tags: HashTags) -> ReplyTree {
        .map([
            "keys": .integer(tags.keys),
            "exact": .boolean(tags.isExact),
            "largest": .array(
                tags.largest.map { slot in
                    .map([
                        "slot": .integer(slot.slot),
                        "tag": .bytes(ByteBuffer(bytes: slot.tag)),
                        "keys": .integer(slot.keys),
                    ])
                }
            ),
        ])
    }

    static func histogram(_ histogram: BinaryHistogram) -> ReplyTree {
        .array(
            histogram.counts.enumerated().map { index, count in
                let range = BinaryHistogram.range(of: index)
                return .map([
                    "from": .integer(range.lowerBound),
                    "to": .integer(range.upperBound),
                    "count": .integer(count),
                ])
            }
        )
    }

    private static func sample(_ sample: RecordSample) -> ReplyTree {
        .map([
            "records": .integer(sample.records),
            "population": .integer(sample.population),
            "exact": .boolean(sample.isComplete),
            "missing": .array(sample.missing.map { .text($0) }),
            "tagged": .integer(sample.tagged),
            "buckets": .array(
                sample.bucketEstimates.map { bucket in
                    .map(
                        [
                            ReplyTree.Field(
                                name: "name", value: .bytes(ByteBuffer(bytes: bucket.name)))
                        ]
                            + fields(bucket.load)
                    )
                }
            ),
            "other_buckets": .map(fields(sample.otherBuckets.scaled(by: sample.scale))),
            "key_bytes": histogram(sample.keyBytes),
            "value_bytes": histogram(sample.valueBytes),
            "siblings": histogram(sample.siblings),
            "largest": .array(sample.largest.map(record)),
            "most_siblings": .array(sample.mostSiblings.map(record)),
        ])
    }

    static func record(_ record: RecordSample.Record) -> ReplyTree {
        .map([
            "bucket": .bytes(ByteBuffer(bytes: record.bucket)),
            "key": .bytes(ByteBuffer(bytes: record.key)),
            "bytes": .integer(record.bytes),
            "siblings": .integer(record.siblings),
        ])
    }

    private static func finding(_ finding: DistributionFinding) -> ReplyTree {
        .map([
            "code": .text(finding.code.rawValue),
            "text": .text(finding.text),
            "notable": .boolean(finding.isNotable),
        ])
    }
}

extension RecordSample {
    /// What each bucket holds, reckoned from the sample; most keys first, then by name.
    package var bucketEstimates: [Bucket] {
        buckets.map { Bucket(name: $0.name, load: $0.load.scaled(by: scale)) }
            .sorted { a, b in
                a.load.keys != b.load.keys
                    ? a.load.keys > b.load.keys : a.name.lexicographicallyPrecedes(b.name)
            }
    }
}

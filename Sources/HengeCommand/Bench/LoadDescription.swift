/// Which load was put on servers, so that a later run can tell whether it is the same.
package struct LoadDescription: Equatable, Sendable, Decodable {
    package var mix: String
    package var distribution: String
    package var keys: Int
    package var valueBytes: Int
    package var connections: Int
    package var pipeline: Int
    /// Operations a second; nil for a closed loop.
    package var rate: Double?
    package var threads: Int
    /// Whether clients asked each key's own node.
    package var isClusterAware: Bool
    package var consistency: String?
    package var bucket: String?
    package var afterWrite: String?

    private enum CodingKeys: String, CodingKey {
        case mix, distribution, keys, connections, pipeline, rate, threads, consistency, bucket
        case valueBytes = "value_bytes"
        case isClusterAware = "cluster"
        case afterWrite = "after_write"
    }

    package init(
        mix: String,
        distribution: String,
        keys: Int,
        valueBytes: Int,
        connections: Int,
        pipeline: Int,
        rate: Double?,
        threads: Int = 1,
        isClusterAware: Bool = false,
        consistency: String? = nil,
        bucket: String? = nil,
        afterWrite: String? = nil
    ) {
        self.mix = mix
        self.distribution = distribution
        self.keys = keys
        self.valueBytes = valueBytes
        self.connections = connections
        self.pipeline = pipeline
        self.rate = rate
        self.threads = threads
        self.isClusterAware = isClusterAware
        self.consistency = consistency
        self.bucket = bucket
        self.afterWrite = afterWrite
    }

    package var json: JSON {
        .object(
            ("mix", .string(mix)),
            ("distribution", .string(distribution)),
            ("keys", .integer(keys)),
            ("value_bytes", .integer(valueBytes)),
            ("connections", .integer(connections)),
            ("pipeline", .integer(pipeline)),
            ("rate", rate.map { .number($0) } ?? .null),
            ("threads", .integer(threads)),
            ("cluster", .boolean(isClusterAware)),
            ("consistency", Self.json(consistency)),
            ("bucket", Self.json(bucket)),
            ("after_write", Self.json(afterWrite))
        )
    }

    /// In which settings two loads differ so much that their figures do not compare.
    package func conflicts(with other: LoadDescription) -> [Difference] {
        let sameMix = OperationMix(parsing: mix)?.isSame(as: OperationMix(parsing: other.mix))
        return Self.differences([
            // 80:20 and 4:1 are one.
            ("mix", mix, sameMix == true ? mix : other.mix),
            ("distribution", distribution, other.distribution),
            ("keys", "\(keys)", "\(other.keys)"),
            ("value-bytes", "\(valueBytes)", "\(other.valueBytes)"),
            ("connections", "\(connections)", "\(other.connections)"),
            ("pipeline", "\(pipeline)", "\(other.pipeline)"),
            ("rate", Self.text(rate), Self.text(other.rate)),
        ])
    }

    /// In which others they differ: how they were sent, and what servers promised for them.
    package func variations(from other: LoadDescription) -> [Difference] {
        Self.differences([
            ("threads", "\(threads)", "\(other.threads)"),
            ("cluster", "\(isClusterAware)", "\(other.isClusterAware)"),
            ("consistency", consistency ?? "none", other.consistency ?? "none"),
            ("bucket", bucket ?? "none", other.bucket ?? "none"),
            ("after-write", afterWrite ?? "none", other.afterWrite ?? "none"),
        ])
    }

    /// A setting, by the name of its option, that two loads have different values of.
    package struct Difference: Equatable, Sendable, CustomStringConvertible {
        package var name: String
        package var here: String
        package var there: String

        package init(_ name: String, here: String, there: String) {
            self.name = name
            self.here = here
            self.there = there
        }

        package var description: String { "--\(name) \(here) here, \(there) there" }
    }

    private static func differences(_ rows: [(String, String, String)]) -> [Difference] {
        rows.filter { $0.1 != $0.2 }.map { Difference($0.0, here: $0.1, there: $0.2) }
    }

    private static func text(_ rate: Double?) -> String { rate.map { "\($0)" } ?? "none" }

    private static func json(_ text: String?) -> JSON { text.map { .string($0) } ?? .null }
}

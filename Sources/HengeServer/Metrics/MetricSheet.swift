package import HengeBase

/// The value of a metric.
package enum MetricValue: Sendable {
    case integer(Int)
    case number(Double)
    case histogram(LatencyHistogram)
}

/// What a metric may have as its value.
package protocol MetricMeasure {
    var metricValue: MetricValue { get }
}

extension Int: MetricMeasure {
    package var metricValue: MetricValue { .integer(self) }
}

extension Double: MetricMeasure {
    package var metricValue: MetricValue { .number(self) }
}

extension LatencyHistogram: MetricMeasure {
    package var metricValue: MetricValue { .histogram(self) }
}

/// The values of metrics at one moment, in the text format of Prometheus, version 0.0.4.
package struct MetricSheet: Sendable {
    private struct Sample: Sendable {
        let labels: [String]
        let value: MetricValue
    }

    /// By name.
    private var samples: [String: [Sample]] = [:]

    package init() {}

    /// - Parameter labels: the values of the definition's labels, in their order.
    package mutating func add(
        _ definition: MetricDefinition,
        _ labels: [String],
        _ value: some MetricMeasure
    ) {
        invariant(labels.count == definition.labels.count, "labels of \(definition.name)")
        let sample = Sample(labels: labels, value: value.metricValue)
        samples[definition.name, default: []].append(sample)
    }

    /// For a metric without labels.
    package mutating func add(_ definition: MetricDefinition, _ value: some MetricMeasure) {
        add(definition, [], value)
    }

    mutating func add<Source>(_ numbers: [MeasuredNumber<Source>], of source: Source) {
        for number in numbers { add(number.definition, number.read(source)) }
    }

    /// The names of the metrics that have values.
    package var names: Set<String> { Set(samples.keys) }

    // MARK: Text

    /// Microseconds at which the buckets of histograms end: two an octave from 64 µs to 17 s.
    package static let bounds: [UInt64] =
        (6...23).flatMap { (power: UInt64) -> [UInt64] in [1 << power, 3 << (power - 1)] }
        + [1 << 24]

    /// The metrics in the order of the registry; those without a value are left out.
    package func text(of definitions: [MetricDefinition] = MetricRegistry.all) -> String {
        var out = ""
        for definition in definitions {
            guard let samples = samples[definition.name] else { continue }
            let help = definition.help
                .replacing("\\", with: "\\\\").replacing("\n", with: "\\n")
            out += "# HELP \(definition.name) \(help).\n"
            out += "# TYPE \(definition.name) \(definition.kind.rawValue)\n"
            for sample in samples { Self.write(sample, of: definition, to: &out) }
        }
        return out
    }

    private static func write(
        _ sample: Sample,
        of definition: MetricDefinition,
        to out: inout String
    ) {
        let labels = zip(definition.labels, sample.labels).map { name, value in
            "\(name)=\"\(escaped(value))\""
        }
        switch sample.value {
        case .integer(let number): out += line(definition.name, labels, "\(number)")
        case .number(let number): out += line(definition.name, labels, text(number))
        case .histogram(let histogram): write(histogram, definition.name, labels, to: &out)
        }
    }

    private static func write(
        _ histogram: LatencyHistogram,
        _ name: String,
        _ labels: [String],
        to out: inout String
    ) {
        for bound in bounds {
            let label = "le=\"\(text(Double(bound) / 1e6))\""
            out += line(name + "_bucket", labels + [label], "\(histogram.count(atMost: bound))")
        }
        let count = histogram.count
        out += line(name + "_bucket", labels + ["le=\"+Inf\""], "\(count)")
        out += line(name + "_sum", labels, text(Double(histogram.sumNanoseconds) / 1e9))
        out += line(name + "_count", labels, "\(count)")
    }

    private static func line(_ name: String, _ labels: [String], _ value: String) -> String {
        labels.isEmpty
            ? "\(name) \(value)\n" : "\(name){\(labels.joined(separator: ","))} \(value)\n"
    }

    private static func escaped(_ value: String) -> String {
        var out = ""
        for character in value.unicodeScalars {
            switch character {
            case "\\": out += "\\\\"
            case "\"": out += "\\\""
            case "\n": out += "\\n"
            default: out.unicodeScalars.append(character)
            }
        }
        return out
    }

    private static func text(_ number: Double) -> String {
        if number.isNaN { return "NaN" }
        if number.isInfinite { return number > 0 ? "+Inf" : "-Inf" }
        return "\(number)"
    }
}

/// A metric as it is defined: all that `/metrics`, its documentation and the dashboard say of it.
package struct MetricDefinition: Hashable, Sendable {
    package enum Kind: String, Sendable {
        /// Only rises, until the node starts anew.
        case counter
        case gauge
        /// Of times, in ``MetricSheet/bounds``.
        case histogram
    }

    /// The base unit, by which the name ends (before `_total`).
    package enum Unit: String, Sendable {
        case none
        case seconds
        case bytes
        /// 0 to 1.
        case ratio
    }

    package let name: String
    package let kind: Kind
    package let unit: Unit
    package let labels: [String]
    /// One sentence, without its full stop.
    package let help: String

    package static func counter(
        _ name: String,
        _ help: String,
        by labels: [String] = [],
        unit: Unit = .none
    ) -> MetricDefinition {
        MetricDefinition(name: name, kind: .counter, unit: unit, labels: labels, help: help)
    }

    package static func gauge(
        _ name: String,
        _ help: String,
        by labels: [String] = [],
        unit: Unit = .none
    ) -> MetricDefinition {
        MetricDefinition(name: name, kind: .gauge, unit: unit, labels: labels, help: help)
    }

    /// Of times.
    package static func histogram(
        _ name: String,
        _ help: String,
        by labels: [String] = [],
        unit: Unit = .seconds
    ) -> MetricDefinition {
        MetricDefinition(name: name, kind: .histogram, unit: unit, labels: labels, help: help)
    }
}

/// A counter or gauge that is one number of a struct of numbers.
struct MeasuredNumber<Source>: Sendable {
    let definition: MetricDefinition
    let read: @Sendable (Source) -> Int

    init(_ definition: MetricDefinition, _ read: @escaping @Sendable (Source) -> Int) {
        self.definition = definition
        self.read = read
    }
}

/// Metrics that are looked at together: one panel of the dashboard.
package struct MetricPanel: Sendable {
    package let title: String
    package let metrics: [MetricDefinition]

    init(_ title: String, _ metrics: [MetricDefinition]) {
        self.title = title
        self.metrics = metrics
    }
}

/// A chapter of the documentation, and a row of the dashboard.
package struct MetricGroup: Sendable {
    package let title: String
    package let about: String
    package let panels: [MetricPanel]

    init(_ title: String, _ about: String, _ panels: [MetricPanel]) {
        self.title = title
        self.about = about
        self.panels = panels
    }
}

import NIOConcurrencyHelpers

/// Shows on a terminal how far a load is.
struct BenchDisplay: Sendable {
    private static let barWidth = 30

    private let line = NIOLockedValueBox(ProgressLine())
    private let isShown: Bool

    init(isShown: Bool) {
        self.isShown = isShown
    }

    func show(_ progress: LoadProgress) {
        guard isShown else { return }
        line.withLockedValue { $0.draw(Self.text(progress)) }
    }

    func clear() {
        guard isShown else { return }
        line.withLockedValue { $0.clear() }
    }

    private static func text(_ progress: LoadProgress) -> String {
        let bar = Bar.text(progress.fraction, width: barWidth, padded: true)
        let count = Wording.grouped(progress.operations)
        let rate = Wording.grouped(Int(progress.rate))
        let errors = progress.errors > 0 ? ", \(Wording.grouped(progress.errors)) errors" : ""
        return "\(progress.phase.name) \(bar) \(count) operations, \(rate) a second\(errors)"
    }
}

import Glibc
import HengeBase
import HengeStorage
import NIOConcurrencyHelpers

/// Makes pages of metrics from what the event loop has handed out, on another thread.
final class MetricsPage: Sendable {
    /// As Prometheus asks for it.
    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    private let staleness = NIOLockedValueBox(StalenessEstimate())

    func text(_ snapshot: MetricSnapshot) -> String {
        var sheet = snapshot.sheet
        let rows = staleness.withLockedValue { $0.update(snapshot, now: SystemClock.now()) }
        for row in rows { Self.add(row, to: &sheet) }
        Self.add(EngineReading.summed(snapshot.engines.map(\.properties)), to: &sheet)
        Self.addProcess(to: &sheet)
        return sheet.text()
    }

    private static func add(_ row: StalenessEstimate.Row, to sheet: inout MetricSheet) {
        for (time, fresh) in zip(StalenessEstimate.times, row.fresh) {
            sheet.add(StalenessMetricList.fresh, [row.level, "\(time)"], fresh)
        }
        for (probability, seconds) in zip(StalenessEstimate.probabilities, row.seconds) {
            sheet.add(StalenessMetricList.time, [row.level, "\(probability)"], seconds)
        }
    }

    private static func add(_ readings: [EngineReading], to sheet: inout MetricSheet) {
        for metric in EngineMetricList.all {
            for reading in readings where reading.property == metric.property {
                sheet.add(metric.definition, reading.family.map { [$0] } ?? [], reading.value)
            }
        }
    }

    private static func addProcess(to sheet: inout MetricSheet) {
        sheet.add(NodeMetricList.resident, ProcessMemory.residentBytes)
        sheet.add(NodeMetricList.cpu, ProcessUse.processorSeconds)
        if let open = ProcessUse.openFiles { sheet.add(NodeMetricList.openFiles, open) }
        if let limit = ProcessUse.filesMax { sheet.add(NodeMetricList.maxFiles, limit) }
    }
}

/// What the process takes of the machine, beside ``ProcessMemory``.
enum ProcessUse {
    /// In user and system mode, of all threads.
    static var processorSeconds: Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// Nil where the system doesn't tell.
    static var openFiles: Int? {
        guard let directory = opendir("/proc/self/fd") else { return nil }
        defer { closedir(directory) }
        var entries = 0
        while readdir(directory) != nil { entries += 1 }
        // Without `.`, `..` and the directory itself.
        return max(0, entries - 3)
    }

    static var filesMax: Int? {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            return nil
        }
        return Int(clamping: limit.rlim_cur)
    }
}

import CAllocationCount
import Testing

/// What an operation may allocate: a budget that only falls.
///
/// Counts are of the calling thread alone and the same in every run of one build, whatever else the
/// machine does, which times never are. They differ between compilers, so a new one may need new
/// budgets.
struct Allocations {
    /// Enough that what grows now and then counts for nothing.
    private static let times = 1_000

    /// How often `operation` asks for memory, on average.
    ///
    /// What it needs once, such as tables that grow and metadata of types, is no part of that: it
    /// is carried out as often before.
    static func each(_ operation: () throws -> Void) rethrows -> Double {
        for _ in 0..<times { try operation() }
        let before = henge_allocation_count()
        for _ in 0..<times { try operation() }
        return Double(henge_allocation_count() - before) / Double(times)
    }

    /// Records an issue when the operation takes more than the budget, or half an allocation less,
    /// so that what was won is not lost again.
    static func expect(
        _ budget: Double,
        _ name: String,
        sourceLocation: SourceLocation = #_sourceLocation,
        _ operation: () throws -> Void
    ) rethrows {
        let each = try each(operation)
        print("allocations: \(name): \(each), budget \(budget)")
        #expect(each <= budget, "\(name) takes more", sourceLocation: sourceLocation)
        #expect(each > budget - 0.5, "\(name) takes less: lower it", sourceLocation: sourceLocation)
    }
}

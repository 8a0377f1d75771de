/// How much lies up to a point of the token space: what random ranges are loaded by.
///
/// Known by cell; within one it is taken to be spread evenly, as hashes are.
package struct LoadCurve: Sendable {
    /// Before each cell, and after the last.
    private let sums: [Double]
    private let cellBits: Int

    /// - Parameter cells: by equal parts of the token space, a power of two of them, at least 2.
    package init(cells: [Double]) {
        var sums: [Double] = [0]
        sums.reserveCapacity(cells.count + 1)
        var sum = 0.0
        for cell in cells {
            sum += cell
            sums.append(sum)
        }
        self.sums = sums
        cellBits = cells.count.trailingZeroBitCount
    }

    /// What lies behind `start`, up to and with `end`, around the end of the space if need be;
    /// nothing where both are the same.
    func load(from start: UInt64, to end: UInt64) -> Double {
        let difference = self[end] - self[start]
        return end >= start ? difference : difference + (sums.last ?? 0)
    }

    private subscript(token: UInt64) -> Double {
        let cell = Int(truncatingIfNeeded: token >> UInt64(64 - cellBits))
        let within = Double(token << UInt64(cellBits)) / 18_446_744_073_709_551_616
        return sums[cell] + within * (sums[cell + 1] - sums[cell])
    }
}

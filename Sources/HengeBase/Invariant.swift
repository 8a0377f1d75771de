/// Traps on a broken invariant in every build mode.
///
/// For our own programming errors only: nothing that arrives from a network or a file may reach one
/// unchecked.
@inlinable @inline(__always)
package func invariant(
    _ condition: Bool,
    _ message: @autoclosure () -> String = "",
    file: StaticString = #fileID,
    line: UInt = #line
) {
    precondition(condition, message(), file: file, line: line)
}

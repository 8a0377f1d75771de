/// Why a load could not be put on a server at all.
package enum LoadError: Error, Equatable, CustomStringConvertible {
    case unreachable(String)
    /// A server refused what each connection sends first, with this error.
    case refused(String)
    /// A connection ended before the load began, or the last one while it was on.
    case lost(String)
    /// Not all keys could be filled; the text of the first error.
    case populate(failed: Int, String)

    package var description: String {
        switch self {
        case .unreachable(let reason): reason
        case .refused(let text): "the server refused to prepare a connection: \(text)"
        case .lost(let reason): "connections were lost: \(reason)"
        case .populate(let failed, let text): "\(failed) keys could not be filled: \(text)"
        }
    }
}

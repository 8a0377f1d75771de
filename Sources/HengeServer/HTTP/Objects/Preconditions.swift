package import HTTPTypes
package import HengeBase

/// The conditional headers of a request (RFC 9110, section 13).
package struct Preconditions {
    package enum Verdict: Hashable, Sendable {
        case goOn
        /// 304: of a read, whose client has this version.
        case notModified
        /// 412.
        case failed
    }

    /// What there is now.
    package struct Current: Hashable, Sendable {
        package let tag: String
        package let modified: WallTime

        package init(tag: String, modified: WallTime) {
            self.tag = tag
            self.modified = modified
        }
    }

    private let match: String?
    private let noneMatch: String?
    private let modifiedSince: String?
    private let unmodifiedSince: String?

    package init(_ headers: HTTPFields) {
        match = headers[.ifMatch]
        noneMatch = headers[.ifNoneMatch]
        modifiedSince = headers[.ifModifiedSince]
        unmodifiedSince = headers[.ifUnmodifiedSince]
    }

    /// Whether the write is to happen only where there is nothing. The node decides that by
    /// itself, so no read before is needed.
    package var wantsAbsent: Bool {
        noneMatch?.trimmingSpaces == "*" && match == nil && unmodifiedSince == nil
    }

    /// Whether a write needs to know what there is.
    package var needsRead: Bool {
        match != nil || unmodifiedSince != nil || (noneMatch != nil && !wantsAbsent)
    }

    private var isEmpty: Bool {
        match == nil && noneMatch == nil && modifiedSince == nil && unmodifiedSince == nil
    }

    /// In the order of RFC 9110, section 13.2.2.
    ///
    /// - Parameter current: nil when there is nothing.
    package func verdict(_ current: @autoclosure () -> Current?, isRead: Bool) -> Verdict {
        if isEmpty { return .goOn }
        let current = current()
        if let match {
            guard let current, names(match, current.tag) else { return .failed }
        } else if let unmodifiedSince, let limit = HTTPDate.parse(unmodifiedSince), let current,
            seconds(current.modified) > seconds(limit)
        {
            return .failed
        }
        if let noneMatch {
            guard let current, names(noneMatch, current.tag) else { return .goOn }
            return isRead ? .notModified : .failed
        }
        if isRead, let modifiedSince, let limit = HTTPDate.parse(modifiedSince), let current,
            seconds(current.modified) <= seconds(limit)
        {
            return .notModified
        }
        return .goOn
    }

    /// Whether a list of tags has this one. Quotes may be missing, as some clients leave them out.
    private func names(_ list: String, _ tag: String) -> Bool {
        list.split(separator: ",").contains { part in
            var part = part.trimming(" \t"[...])
            if part == "*" { return true }
            if part.hasPrefix("W/") { part = part.dropFirst(2) }
            return part.trimming("\""[...]) == tag[...]
        }
    }

    /// Dates of HTTP have no smaller part.
    private func seconds(_ wall: WallTime) -> UInt64 { wall.milliseconds / 1000 }
}

extension String {
    fileprivate var trimmingSpaces: Substring { self[...].trimming(" \t"[...]) }
}

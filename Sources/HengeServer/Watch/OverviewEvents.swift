import HengeMessages
import HengeRESP
import HengeRing
import NIOCore

/// What goes to the listeners of an event stream (WHATWG HTML, section 9.2) in one second.
struct OverviewEvents: Sendable {
    struct Encoded: Sendable {
        /// For those that have heard what was said before.
        var regular: ByteBuffer
        /// For the others; nil where there are none.
        var welcome: ByteBuffer?
    }

    /// Which places have been told.
    struct PlacesKey: Hashable, Sendable {
        let epoch: UInt64
        let members: Int
    }

    let overview: ReplyTree
    let places: Ring
    let heat: ReplyTree?
    let isHeatNew: Bool
    /// What came before; nil where there are no newcomers.
    let past: Past?
    let placesTold: PlacesKey?

    struct Past: Sendable {
        let watched: OverviewHistory
        /// Of each node that answered.
        let kept: [PulseHistory]
        /// Of the wall clock, in milliseconds.
        let now: UInt64
    }

    var placesKey: PlacesKey {
        PlacesKey(epoch: places.document.epoch, members: places.allMembers.count)
    }

    var encoded: Encoded {
        var regular = ByteBuffer()
        let isPlacesNew = placesTold != placesKey
        var placesText: String?
        if isPlacesNew || past != nil { placesText = Self.json(ClusterOverview.places(places)) }
        let overviewText = Self.json(overview)
        let heatText = heat.map(Self.json)
        if isPlacesNew, let placesText { regular.writeEvent("ring", placesText) }
        if isHeatNew, let heatText { regular.writeEvent("heat", heatText) }
        regular.writeEvent("overview", overviewText)
        guard let past, let placesText else { return Encoded(regular: regular) }
        var welcome = ByteBuffer()
        welcome.writeEvent("ring", placesText)
        welcome.writeEvent(
            "history", Self.json(past.watched.tree(with: past.kept, until: past.now)))
        if let heatText { welcome.writeEvent("heat", heatText) }
        welcome.writeEvent("overview", overviewText)
        return Encoded(regular: regular, welcome: welcome)
    }

    private static func json(_ tree: ReplyTree) -> String { JSONValue(tree).text }
}

extension ByteBuffer {
    /// - Parameter data: without line ends.
    fileprivate mutating func writeEvent(_ name: String, _ data: String) {
        writeString("event: \(name)\ndata: \(data)\n\n")
    }
}

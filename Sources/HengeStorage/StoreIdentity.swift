/// Whose data a directory holds. Written when the directory is new, compared at every opening.
package struct StoreIdentity: Hashable, Sendable {
    /// Nil for whichever cluster the directory belongs to already.
    package var clusterID: UInt64?
    /// The node's name in the ring, 1 to 65,535 bytes of UTF-8.
    package var nodeName: String

    package init(clusterID: UInt64?, nodeName: String) {
        self.clusterID = clusterID
        self.nodeName = nodeName
    }
}

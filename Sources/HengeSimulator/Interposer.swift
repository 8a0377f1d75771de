package import HengeBase
package import HengeMessages
package import HengeNode

/// Stands between a node's shard and the simulated world. Ordinary runs have none: tests use one to
/// make a node misbehave, and so show that the checkers notice.
package protocol Interposer: AnyObject {
    func configure(_ configuration: inout ShardConfiguration)
    /// What a starting node is given as the state of its last stop; nil after all but clean ones.
    func saved(_ state: SavedState?, of node: NodeID) -> SavedState?
    /// The inputs that the shard gets in place of this one.
    func inputs(for input: ShardInput, to node: NodeID) -> [ShardInput]
    /// The effects that are carried out in place of these, and inputs for the shard to get right
    /// after.
    func effects(
        for effects: [ShardEffect],
        of node: NodeID,
        injecting inputs: inout [ShardInput]
    ) -> [ShardEffect]
    /// What is sent in place of what a node wants to say of rings.
    func saying(_ message: RingMessage, of node: NodeID) -> RingMessage
}

extension Interposer {
    package func configure(_ configuration: inout ShardConfiguration) {}

    package func saved(_ state: SavedState?, of node: NodeID) -> SavedState? { state }

    package func inputs(for input: ShardInput, to node: NodeID) -> [ShardInput] { [input] }

    package func effects(
        for effects: [ShardEffect],
        of node: NodeID,
        injecting inputs: inout [ShardInput]
    ) -> [ShardEffect] { effects }

    package func saying(_ message: RingMessage, of node: NodeID) -> RingMessage { message }
}

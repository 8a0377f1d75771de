package import HengeBase

/// The delays that a node has measured as a coordinator, as input of ``StalenessModel``.
///
/// What can be measured without clocks that agree are round trips: a store until its
/// acknowledgement (W + A) and a fetch until its answer (R + S), by peer. A fetch is little but two
/// ways over the network, so half of one stands for one way, A, and the rest of the store is W,
/// with the fsync in it. At the coordinator's own replica W is the time to durability, and A is
/// nothing.
package struct MeasuredDelays: Sendable {
    /// The times of one other node.
    package struct Peer: Sendable {
        package var stores: LatencyHistogram
        package var fetches: LatencyHistogram

        package init(stores: LatencyHistogram, fetches: LatencyHistogram) {
            self.stores = stores
            self.fetches = fetches
        }
    }

    private struct Samplers {
        let stores: LatencySampler
        let fetches: LatencySampler?
    }

    private let own: LatencySampler
    private let peers: [Samplers]

    /// Nil unless enough was measured: of this node, and of as many peers as N needs.
    ///
    /// - Parameters:
    ///   - own: of this node's own replicas, until a write was durable.
    ///   - replicas: N.
    package init?(own: LatencyHistogram, peers: [Peer], replicas: Int) {
        guard let sampler = LatencySampler(own) else { return nil }
        self.own = sampler
        self.peers = peers.compactMap { peer in
            LatencySampler(peer.stores).map {
                Samplers(stores: $0, fetches: LatencySampler(peer.fetches))
            }
        }
        guard self.peers.count >= replicas - 1 else { return nil }
    }

    /// How stale reads at ONE are after writes that this node coordinates, in microseconds.
    ///
    /// A read at ONE is answered by the replica that coordinates it, so it asks one replica, with
    /// no delay: that is the worst case, since the way of a request to its coordinator only gives
    /// the write more time.
    package func reads(
        replicas: Int,
        writeQuorum: Int,
        trials: Int,
        seed: UInt64
    ) -> StalenessResult {
        let model = StalenessModel(
            replicas: replicas,
            readQuorum: 1,
            writeQuorum: writeQuorum,
            fanOut: .required
        )
        var order = Array(peers.indices)
        return model.run(trials: trials, seed: seed) { generator, delays in
            delays[0] = WARSDelays(
                write: own.draw(&generator), acknowledgement: 0, read: 0, answer: 0)
            for slot in 1..<max(1, replicas) {
                // Others of the peers each time: each stands for its share of the keys.
                order.swapAt(slot - 1, slot - 1 + generator.below(order.count - slot + 1))
                delays[slot] = draw(peers[order[slot - 1]], &generator)
            }
        }
    }

    private func draw(_ peer: Samplers, _ generator: inout SeededGenerator) -> WARSDelays {
        let trip = peer.stores.draw(&generator)
        // Without fetches, as where all reads are at ONE, half of the store is the best guess.
        let way = (peer.fetches?.draw(&generator) ?? trip) / 2
        let back = min(way, trip / 2)
        return WARSDelays(write: trip - back, acknowledgement: back, read: 0, answer: 0)
    }
}

import HengeMessages
import HengeNode
import HengeRing

/// Requests on keys of other shards of the node, and those of their clients on keys of this one's.
extension NodeDriver {
    func complete(_ asker: Asker, _ reply: ShardReply) {
        switch asker {
        case .session(let session, let slot): session.complete(slot, reply)
        case .promise(let promise): promise.succeed(reply)
        case .shard(let shard, let place): parcels[shard].answers.append((place, reply))
        case .count(let gathering, let asker):
            if let total = gathering.take(reply) { complete(asker, total) }
        }
    }

    /// Nil when the token is this shard's own.
    func otherShard(with token: Token) -> Int? {
        guard slice.count > 1 else { return nil }
        let shard = ShardSlice.index(of: token, count: slice.count)
        return shard == slice.index ? nil : shard
    }

    func relay(_ question: ShardParcel.Question, to shard: Int, for asker: Asker) {
        beginTurn()
        let place = relayed.insert(asker).index
        parcels[shard].questions.append((place, question))
    }

    /// Takes what another shard has for this one.
    private func take(_ parcel: ShardParcel, from shard: Int) {
        beginTurn()
        for (place, question) in parcel.questions {
            let asker = Asker.shard(shard, place: place)
            switch question {
            case .request(let request): submit(request, for: asker)
            case .scan(let range): scan(range, for: asker)
            case .count: countOwn(for: asker)
            }
        }
        for (place, reply) in parcel.answers { complete(relayed.remove(place), reply) }
    }

    /// The end of a turn: sends each shard what there is for it.
    func sendParcels() {
        for shard in parcels.indices where !parcels[shard].isEmpty {
            let parcel = parcels[shard]
            parcels[shard] = ShardParcel()
            let (other, own) = (group[shard], slice.index)
            other.eventLoop.execute { other.value.take(parcel, from: own) }
        }
    }
}

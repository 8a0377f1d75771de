import HengeBase
import HengeCausality
import HengeMessages

/// How writes become known: the first object that shows one, and the request that it came from.
extension CausalChecker {
    /// Finds the write that a new version shows, if it shows one.
    mutating func discover(
        _ encoded: EncodedObject,
        of key: Int,
        by node: Int,
        from place: Place?
    ) throws(Violation) {
        let object = encoded.decoded()
        let new = object.siblings.filter { histories[key].index(of: $0.dot) == nil }
        guard let sibling = new.first else { return }
        guard new.count == 1 else {
            throw Violation(.uniqueDots, "two new writes in one object of key \(key): \(new)")
        }
        guard !histories[key].claimed.covers(sibling.dot) else {
            throw Violation(.honestContexts, "\(sibling.dot) was claimed before it was made")
        }
        guard keyOfDot.updateValue(key, forKey: sibling.dot) == nil else {
            throw Violation(.uniqueDots, "\(sibling.dot) names a write of another key too")
        }
        guard burned[sibling.dot.actor] == nil else {
            throw Violation(.uniqueDots, "n\(node + 1) lost a write of \(sibling.dot) and goes on")
        }
        guard let mutation = takeRequest(for: sibling, in: object, of: key, at: node, place)
        else {
            throw Violation(.uniqueDots, "n\(node + 1) made \(sibling.dot), which nobody asked for")
        }
        if case .value = mutation.content,
            histories[key].writes.contains(where: { $0.sibling.payload == sibling.payload })
        {
            throw Violation(.carriedOutOnce, "\(sibling.dot) of key \(key) repeats a request")
        }
        var replacing = replaced(by: mutation, leaving: object.context, of: key)
        if case .coordinator = mutation.basis {
            // No more than what the node has held, whatever its context claims.
            replacing = replacing.subtracting(
                unseen(replacing, of: key, at: node, in: place)
            )
            if let later = later(than: sibling, in: replacing, of: key) {
                throw Violation(
                    .soundClocks,
                    "\(sibling.dot) knew of \(later), which is stamped later"
                )
            }
        }
        // The record that it goes into may claim it, and what the client's context names: the
        // client held that.
        var mayClaim = WriteSet()
        mayClaim.insert(histories[key].writes.count)
        if case .context = mutation.basis { mayClaim.formUnion(replacing) }
        pass(mayClaim, of: key, at: node)
        histories[key].record(sibling, replacing: replacing, leaving: object.context)
    }

    /// A node has handed a client's write to another, so it will never make that write itself; it
    /// may yet make others, in place of a home replica.
    mutating func forwarded(_ request: ClientRequest, by node: Int) {
        guard case .write(let mutation) = request.operation, let key = number(of: request.key)
        else { return }
        // Writes are forwarded in the step in which they come, so it is the newest.
        let requests = hands[node][key].requested
        guard
            let index = requests.lastIndex(where: {
                if case .client = $0.origin { $0.mutation == mutation } else { false }
            })
        else { return }
        hands[node][key].requested.remove(at: index)
    }

    /// One of the writes that this one knew of and that has a later timestamp; there must be none.
    private func later(than sibling: Sibling, in known: WriteSet, of key: Int) -> Dot? {
        guard clocksAgree else { return nil }
        let writes = histories[key].survivors(of: known).members.map { histories[key].writes[$0] }
        return writes.first { $0.sibling.timestamp >= sibling.timestamp }?.dot
    }

    /// What a request that was not yet seen carried out would replace.
    private func replaced(
        by mutation: Mutation,
        leaving context: VersionVector,
        of key: Int
    ) -> WriteSet {
        switch mutation.basis {
        case .coordinator: histories[key].covered(by: context)
        case .context(let vector): histories[key].covered(by: vector)
        case .nothing: WriteSet()
        }
    }

    /// The oldest request that may have made this sibling, of those that would leave this object if
    /// any do.
    private mutating func takeRequest(
        for sibling: Sibling,
        in object: VersionedObject,
        of key: Int,
        at node: Int,
        _ place: Place?
    ) -> Mutation? {
        let requests = hands[node][key].requested
        let exact = requests.indices.filter { requests[$0].mutation.mayHaveMade(sibling) }
        let others =
            exact.isEmpty ? requests.indices.filter { requests[$0].mutation.repeatsValue } : exact
        let rest = view(of: object, of: key)[0]
        let known = histories[key].covered(by: object.context)
        let explaining = others.first { index in
            let gone = replaced(by: requests[index].mutation, leaving: object.context, of: key)
            // A node may claim what the client's context names, and must then.
            var named = WriteSet()
            if case .coordinator = requests[index].mutation.basis,
                later(than: sibling, in: gone, of: key) != nil
            {
                return false
            }
            if case .context(let context) = requests[index].mutation.basis {
                guard object.context.descends(from: context) else { return false }
                named = gone
            }
            let isHonest = unseen(known, of: key, at: node, in: place).isSubset(of: named)
            let left = histories[key].survivors(of: known).subtracting(gone)
            return isHonest && left.subtracting(purged[key]) == rest
        }
        guard let index = explaining ?? others.first else { return nil }
        return hands[node][key].requested.remove(at: index).mutation
    }
}

extension Mutation {
    /// Whether a sibling has just what this request writes.
    fileprivate func mayHaveMade(_ sibling: Sibling) -> Bool {
        switch (content, sibling.payload) {
        case (.value(let wanted, let said), .value(let value, let metadata)):
            wanted == value && said == metadata
        case (.tombstone, .tombstone): true
        case (.value, .tombstone), (.tombstone, .value), (.unchanged, _): false
        }
    }

    fileprivate var repeatsValue: Bool {
        if case .unchanged = content { return true }
        return false
    }
}

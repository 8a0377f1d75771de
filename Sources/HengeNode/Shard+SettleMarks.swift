extension Shard {
    /// Whether it remembers the mark.
    package func hasMark(_ token: SettleToken) -> Bool {
        settling.marks.contains { $0.token == token }
    }
}

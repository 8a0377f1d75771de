/// How stale a read at ONE may be.
enum StalenessMetricList {
    static let fresh = MetricDefinition.gauge(
        "henge_staleness_fresh_ratio",
        "The probability that a read at ONE sees a write that was acknowledged so many seconds "
            + "before it began",
        by: ["write_level", "after_seconds"],
        unit: .ratio
    )
    static let time = MetricDefinition.gauge(
        "henge_staleness_fresh_seconds",
        "How long after the acknowledgement of a write a read at ONE sees it with this probability",
        by: ["write_level", "probability"],
        unit: .seconds
    )

    static let group = MetricGroup(
        "Staleness",
        """
        Reads at ONE may miss what was written just before them. How likely that is follows from \
        how much later the last replicas have a write than it is acknowledged: a Monte Carlo \
        simulation of the WARS model (Bailis et al., *Probabilistically Bounded Staleness for \
        Practical Partial Quorums*, VLDB 2012) over the delays that this node has measured in the \
        last five to ten minutes, as it coordinated writes. Half of a fetch stands for the way of \
        an acknowledgement, A; the rest of a store is W; a read is answered by any one replica at \
        once (R and S are nothing), which is the worst case. Writes that fail, and replicas that \
        are down, are not in it. Absent until each of N − 1 peers has acknowledged writes. \
        The same simulation over the latencies that the paper fits gives the paper's figures: \
        `henge metrics staleness`, and [performance.md](performance.md#staleness).
        """,
        [
            MetricPanel("Probability that a read at ONE is fresh", [fresh]),
            MetricPanel("Time until reads at ONE are fresh", [time]),
        ]
    )
}

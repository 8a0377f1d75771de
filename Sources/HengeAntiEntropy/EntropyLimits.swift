package import HengeBase

/// How anti-entropy goes about its work.
package struct EntropyLimits: Hashable, Sendable {
    /// Leaves of one question; 8 KiB of sums.
    package var leavesMax = 1_024
    /// Records of one node that are compared by their fingerprints in one question.
    package var versionsMax = 4_096
    /// Keys and objects of one message together, unless one record alone is larger.
    package var batchBytes = 256 * 1_024
    /// Records of one message.
    package var batchRecords = 1_024
    /// How long the other node may take to answer a question.
    package var timeout = Interval.seconds(10)

    package init() {}
}

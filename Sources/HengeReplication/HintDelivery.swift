package import HengeBase
package import HengeCausality
package import HengeMessages

/// Hands one node what it missed, a page of hints at a time: reads the hints at the front of its
/// queue, loads the records that they name, sends them as one batch, and drops the hints once the
/// node has acknowledged. Dynamo, section 4.6.
///
/// There is no cursor: what was acknowledged is gone from the disk, so the next page, also that of
/// the next process, begins at the front. The same pages serve to expire hints and to discard
/// them.
///
///     idle --begin--> loadingHints --> loadingRecords --> ready --allowed--> sent --> removing
///                     removing --> dropping --> idle
///                     any --(failure)--> backingOff --(time)--> idle
package struct HintDelivery: Sendable {
    package enum Purpose: Hashable, Sendable {
        case deliver
        /// Drop what is older than its time, and leave the rest.
        case expire
        /// Drop all up to this sequence, with the records held in the target's place.
        case discard(through: UInt64)
    }

    package enum Input: Sendable {
        /// - Parameter isBusy: whether requests come; a small page stands in their way for less
        ///   time.
        case begin(Purpose, isBusy: Bool)
        case hintsLoaded(Result<[Hint], StorageFailure>)
        case recordLoaded(StoredKey, Result<EncodedObject?, StorageFailure>)
        /// In place of `recordLoaded`: others have what was held in the target's place, or are to
        /// have it, and this version of it is durable there, or kept for them.
        case bequeathed(StoredKey, VersionDigest)
        /// The batch may go.
        case allowed
        case answered(HandOffResult)
        /// What `moveToEnd` asked for is durable.
        case moved(success: Bool)
        case removed(success: Bool)
        case dropped(success: Bool)
        case tick
        /// The target is gone, or delivery is paused.
        case stop
    }

    package enum Effect: Sendable {
        case loadHints(limit: Int)
        case load(StoredKey)
        /// A batch is ready: answer with `.allowed` as soon as ``cost`` may be spent.
        case ready
        case handOff([HandedRecord])
        /// Keep these once more behind all others.
        case moveToEnd([Hint])
        /// Remove the held record if it is still this version; any, if nil.
        case remove(StoredKey, VersionDigest?)
        case drop(through: UInt64, HintTally)
        /// Always the last effect; the next page may begin.
        case finish(Outcome)
    }

    package enum Outcome: Hashable, Sendable {
        /// A page is done with, and there may be more.
        case page
        /// Nothing is left to do for this purpose.
        case nothing
        case stopped
        /// It failed some time ago and should be tried again.
        case retry
    }

    package struct Limits: Hashable, Sendable {
        /// Ordinary hints older than this are dropped.
        package var ageMax: Interval
        /// Hints in a page.
        package var page = 256
        /// Hints in a page that is delivered while requests come.
        package var busyPage = 16
        /// A batch's keys and objects together, unless one record alone is larger.
        package var batchBytes = 256 * 1_024
        /// Records that are loaded at a time.
        package var loads = 16
        /// How long the target may take to answer.
        package var timeout = Interval.seconds(10)
        package var backoffMin = Interval.milliseconds(100)
        package var backoffMax = Interval.seconds(5)

        package init(ageMax: Interval) {
            self.ageMax = ageMax
        }
    }

    private enum Phase: Hashable, Sendable {
        case idle, loadingHints, loadingRecords, ready, sent, moving, removing, dropping
        case backingOff
    }

    private let limits: Limits
    private var phase = Phase.idle
    package private(set) var purpose = Purpose.deliver
    private var page = HintPage()
    private var batch = HintBatch()
    private var loading = 0
    private var removals = 0
    private var removalFailed = false
    /// When the target's answer, or the next attempt, is due.
    private var due = Instant(nanoseconds: 0)
    private var failures = 0
    /// Whether to wait after this page, though it came through.
    private var waitsAfterPage = false
    /// Of the records loaded last, so that no more are loaded than a batch takes.
    private var averageBytes = 4_096

    package init(limits: Limits) {
        self.limits = limits
    }

    package var isIdle: Bool { phase == .idle }

    /// Whether the target owes an answer.
    package var isSent: Bool { phase == .sent }

    /// Whether the target has failed to take anything for some seconds, though it is up.
    package var isFutile: Bool { failures >= 5 }

    /// Whether a batch waits for `.allowed`.
    package var isReady: Bool { phase == .ready }

    /// What the throttle is to count for the batch.
    package var cost: Int {
        HintThrottle.cost(records: batch.records.count, bytes: batch.bytes)
    }

    package mutating func step(
        _ input: Input,
        now: Instant,
        wall: WallTime,
        effects: inout EffectBuffer<Effect>
    ) {
        switch (input, phase) {
        case (.begin(let purpose, let isBusy), .idle):
            self.purpose = purpose
            phase = .loadingHints
            let isSmall = isBusy && purpose == .deliver
            effects.emit(.loadHints(limit: isSmall ? limits.busyPage : limits.page))
        case (.hintsLoaded(.success(let hints)), .loadingHints):
            take(hints, now: now, wall: wall, &effects)
        case (.hintsLoaded(.failure), .loadingHints): backOff(now)
        case (.recordLoaded(let key, let result), .loadingRecords):
            take(key, result, now: now, &effects)
        case (.bequeathed(let key, let version), .loadingRecords):
            batch.bequeathed[key] = version
            loaded(now: now, &effects)
        case (.allowed, .ready):
            phase = .sent
            due = now + limits.timeout
            effects.emit(.handOff(batch.records))
        case (.answered(let result), .sent): take(result, now: now, &effects)
        case (.moved(let success), .moving):
            if success { remove(&effects) } else { backOff(now) }
        case (.removed(let success), .removing):
            removals -= 1
            if !success { removalFailed = true }
            if removals == 0 { drop(now: now, &effects) }
        case (.dropped(let success), .dropping): dropped(success, now: now, &effects)
        case (.tick, .sent): if now >= due { backOff(now) }
        case (.tick, .backingOff): if now >= due { finish(.retry, &effects) }
        case (.stop, .loadingHints), (.stop, .loadingRecords), (.stop, .ready), (.stop, .sent),
            (.stop, .backingOff):
            // Only delivery needs the target.
            guard purpose == .deliver else { return }
            failures = 0
            finish(.stopped, &effects)
        case (.tick, _), (.stop, _):
            break  // What is being removed and dropped has been acknowledged: it goes on.
        case (.begin, _), (.hintsLoaded, _), (.recordLoaded, _), (.bequeathed, _), (.allowed, _),
            (.answered, _), (.moved, _), (.removed, _), (.dropped, _):
            preconditionFailure("HintDelivery: \(input) in \(phase)")
        }
    }

    // MARK: The page

    private mutating func take(
        _ hints: [Hint],
        now: Instant,
        wall: WallTime,
        _ effects: inout EffectBuffer<Effect>
    ) {
        let expiry = HintPage.Expiry(wall: wall, ageMax: limits.ageMax)
        switch purpose {
        case .deliver:
            page = HintPage(delivering: hints, expiry)
            guard !page.hints.isEmpty else { return finish(.nothing, &effects) }
            batch = HintBatch()
            phase = .loadingRecords
            loadMore(now: now, &effects)
        case .expire:
            page = HintPage(expiring: hints, expiry)
            guard !page.hints.isEmpty else { return finish(.nothing, &effects) }
            move(&effects)
        case .discard(let through):
            page = HintPage(discarding: hints, through: through)
            guard !page.hints.isEmpty else { return finish(.nothing, &effects) }
            remove(&effects)
        }
    }

    private mutating func loadMore(now: Instant, _ effects: inout EffectBuffer<Effect>) {
        let room = limits.batchBytes - batch.loadedBytes
        guard room > 0, batch.asked < page.keys.count, batch.failed.isEmpty else {
            return assemble(now: now, &effects)
        }
        let wanted = min(limits.loads, max(1, room / max(1, averageBytes)))
        let last = min(page.keys.count, batch.asked + wanted)
        loading = last - batch.asked
        for index in batch.asked..<last { effects.emit(.load(page.keys[index])) }
        batch.asked = last
    }

    private mutating func take(
        _ key: StoredKey,
        _ result: Result<EncodedObject?, StorageFailure>,
        now: Instant,
        _ effects: inout EffectBuffer<Effect>
    ) {
        switch result {
        case .success(let object?):
            let bytes = key.bytes.readableBytes + object.bytes.readableBytes
            averageBytes = (averageBytes * 3 + bytes) / 4
            batch.loadedBytes += bytes
            batch.objects[key] = object
        case .success(nil), .failure(.corrupt): break  // Nothing is left to hand over.
        case .failure: batch.failed.insert(key)
        }
        loaded(now: now, &effects)
    }

    private mutating func loaded(now: Instant, _ effects: inout EffectBuffer<Effect>) {
        loading -= 1
        guard loading == 0 else { return }
        loadMore(now: now, &effects)
    }

    /// Fits what was loaded into one batch, and finds how far it takes the queue.
    private mutating func assemble(now: Instant, _ effects: inout EffectBuffer<Effect>) {
        batch.assemble(page, bytesMax: limits.batchBytes)
        if batch.covered == 0, !batch.failed.isEmpty { return backOff(now) }
        page.cut(notCovering: page.keys[batch.covered...])
        batch.objects = [:]
        batch.bequeathed = [:]
        if batch.records.isEmpty {
            page.delivered(batch)
            remove(&effects)
        } else {
            phase = .ready
            effects.emit(.ready)
        }
    }

    private mutating func take(
        _ result: HandOffResult,
        now: Instant,
        _ effects: inout EffectBuffer<Effect>
    ) {
        switch result {
        case .durable(let refused):
            page.delivered(batch)
            guard refused > 0, !batch.held.isEmpty else { return remove(&effects) }
            // Which of them it refused is not known, and a copy that counts is not given up: the
            // held ones wait until the clocks agree.
            page.keepHeld()
            waitsAfterPage = true
            move(&effects)
        case .failed, .overloaded: backOff(now)
        }
    }

    private mutating func move(_ effects: inout EffectBuffer<Effect>) {
        guard !page.moving.isEmpty else { return remove(&effects) }
        phase = .moving
        effects.emit(.moveToEnd(page.moving))
    }

    private mutating func remove(_ effects: inout EffectBuffer<Effect>) {
        removals = page.removals.count
        removalFailed = false
        guard removals > 0 else { return emitDrop(&effects) }
        phase = .removing
        for removal in page.removals { effects.emit(.remove(removal.key, removal.version)) }
    }

    private mutating func drop(now: Instant, _ effects: inout EffectBuffer<Effect>) {
        // The hints lead to what could not be removed.
        if removalFailed { backOff(now) } else { emitDrop(&effects) }
    }

    private mutating func emitDrop(_ effects: inout EffectBuffer<Effect>) {
        phase = .dropping
        effects.emit(.drop(through: page.through, page.tally))
    }

    private mutating func dropped(
        _ success: Bool,
        now: Instant,
        _ effects: inout EffectBuffer<Effect>
    ) {
        guard success else { return backOff(now) }
        if waitsAfterPage {
            backOff(now)
        } else {
            failures = 0
            finish(.page, &effects)
        }
    }

    private mutating func backOff(_ now: Instant) {
        let factor = UInt64(1) << UInt64(min(failures, 16))
        let wait = Interval(nanoseconds: limits.backoffMin.nanoseconds * factor)
        due = now + min(wait, limits.backoffMax)
        failures += 1
        forgetPage()
        phase = .backingOff
    }

    private mutating func finish(_ outcome: Outcome, _ effects: inout EffectBuffer<Effect>) {
        forgetPage()
        phase = .idle
        effects.emit(.finish(outcome))
    }

    private mutating func forgetPage() {
        page = HintPage()
        batch = HintBatch()
        waitsAfterPage = false
    }
}

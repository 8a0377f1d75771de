import HengeBase
import HengeCausality
import HengeMessages
import HengeNode
import HengeReplication
import HengeRing

import struct NIOCore.ByteBuffer

/// Runs a script on a small cluster without chance, and writes down everything that happens.
///
/// A script is lines; those that begin with `>` are commands, and what happens is written below
/// each:
///
///     > cluster nodes=4 replicas=3 repair=blocking compares=yes
///     > cluster shards=2 adopting=30 milliseconds it takes a node's other shards to adopt a ring
///     > crash n2
///     > n1 set apple red quorum        also: read, delete, blind, over, with a level
///     > n1 over apple red quorum       with the context that the key was read with last
///     > n1 read apple all &            goes on without waiting for the answer
///     > wait 5                         milliseconds
///     > let 5000 pass                  the same without a word
///     > n1 set apple red one sloppy &  lets others stand in for replicas that are down
///     > 40 times n1 read apple all     without a word
///     > start n2 · stop n2 · power n2 · cut n1 n2 · join n1 n2 · rot n1 apple
///     > pause n2 · resume n2 · slow n2 100     milliseconds more for each of its messages
///     > wipe n2 · copy n2 · restore n2         the disk of a node that is down
///     > add n4 n5 · remove n2 · replace n2 n5 · abort     from the first member that is up
///     > recover n3 n4                  from there, too: goes on without these
///     > wait until step readNext       some partition is; only the steps are written
///     > wait until ring is still       no change runs; only the steps are written
///     > disks                          what every node holds
package enum Scenario {
    /// Why a script can't be run.
    package struct ScriptError: Error, CustomStringConvertible {
        package let description: String
    }

    /// The same script with what now happens below each command.
    package static func transcript(of script: String) throws(ScriptError) -> String {
        var output: [String] = []
        var stage: Stage?
        for line in script.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("#") || line.isEmpty { output.append(String(line)) }
            guard line.hasPrefix("> ") else { continue }
            output.append(String(line))
            let words = line.dropFirst(2).split(separator: " ").map(String.init)
            if words.first == "cluster" {
                stage = Stage(try options(words.dropFirst()))
            } else {
                guard let stage else { throw ScriptError(description: "no cluster yet: \(line)") }
                guard try stage.run(words) else {
                    throw ScriptError(description: "not understood: \(line)")
                }
                if let violation = stage.violation {
                    throw ScriptError(description: "\(line): \(violation)")
                }
            }
            output += stage?.takeLines() ?? []
        }
        while output.last == "" { output.removeLast() }
        return output.joined(separator: "\n") + "\n"
    }

    private static func options(
        _ words: ArraySlice<String>
    ) throws(ScriptError) -> SimulationOptions {
        var options = SimulationOptions()
        options.comparesReplicas = false
        options.hasJitter = false
        for word in words {
            let parts = word.split(separator: "=").map(String.init)
            guard parts.count == 2 else { throw ScriptError(description: "no option: \(word)") }
            switch (parts[0], Int(parts[1])) {
            case ("nodes", let count?): options.nodes = count
            case ("spares", let count?): options.spares = count
            case ("shards", let count?) where ShardSlice.isCount(count): options.shards = count
            case ("adopting", let count?) where count > 0:
                options.adoptionDelay = .milliseconds(UInt64(count))
            case ("compares", _): options.comparesReplicas = parts[1] == "yes"
            case ("replicas", let count?): options.replicas = count
            case ("repair", _):
                guard let repair = ReadRepair(rawValue: parts[1]) else {
                    throw ScriptError(description: "no repair: \(word)")
                }
                options.repair = repair
            default: throw ScriptError(description: "no option: \(word)")
            }
        }
        return options
    }
}

/// The cluster of a scenario and what was written down of it.
private final class Stage {
    private let simulation: Simulation
    private let log: LineLog
    /// By key: the context that it was read or written with last.
    private var contexts: [String: VersionVector] = [:]

    private final class LineLog {
        var lines: [String] = []
    }

    init(_ options: SimulationOptions) {
        let log = LineLog()
        self.log = log
        simulation = Simulation(seed: 0, options: options) { log.lines.append("  " + $0) }
        // Requests may fail here: that is what many scenarios show.
        simulation.isCalm = false
        simulation.startAll()
        simulation.pass(.milliseconds(300))
        log.lines.removeAll()
    }

    func takeLines() -> [String] {
        defer { log.lines.removeAll() }
        return log.lines
    }

    var violation: Violation? { simulation.violation }

    /// Carries out one command; false when it is none.
    func run(_ words: [String]) throws(Scenario.ScriptError) -> Bool {
        guard let first = words.first else { return false }
        switch (first, words.count) {
        case ("wait", 2):
            guard let time = UInt64(words[1]) else { return false }
            simulation.pass(.milliseconds(time))
        case ("let", 3):
            guard let time = UInt64(words[1]), words[2] == "pass" else { return false }
            let before = log.lines
            simulation.pass(.milliseconds(time))
            simulation.awaitQuiet()
            log.lines = before
            return true
        case ("disks", 1): writeDisks()
        case ("add", 2), ("add", 3), ("remove", 2), ("replace", 3), ("abort", 1):
            return try change(words)
        case ("recover", 2...): return try recover(words)
        case ("wait", 5):
            guard words == ["wait", "until", "ring", "is", "still"] else { return false }
            awaitStillRing()
            return true
        case ("wait", 4): return awaitStep(words)
        case ("pause", 2): simulation.pause(try node(words[1]))
        case ("resume", 2): simulation.resume(try node(words[1]))
        case ("slow", 3):
            guard let time = UInt64(words[2]) else { return false }
            try node(words[1]).messageDelay = .milliseconds(time)
        case ("wipe", 2), ("copy", 2), ("restore", 2): return try changeDisk(words)
        case ("crash", 2): simulation.kill(try node(words[1]))
        case ("power", 2): simulation.failPower(try node(words[1]))
        case ("start", 2): simulation.start(try node(words[1]))
        case ("stop", 2): simulation.stop(try node(words[1]))
        case ("cut", 3): cut(try node(words[1]), try node(words[2]), isCut: true)
        case ("join", 3): cut(try node(words[1]), try node(words[2]), isCut: false)
        case ("rot", 3):
            let isThere = try rot(words)
            guard isThere else { return false }
        default:
            return words.dropFirst().first == "times" ? try repeating(words) : try request(words)
        }
        if first != "wait" { settle() }
        return true
    }

    /// `add n4 n5`, `remove n2`, `replace n2 n5`, `abort`
    private func change(_ words: [String]) throws(Scenario.ScriptError) -> Bool {
        guard let proposer = simulation.memberNodes.first(where: { $0.process != nil }) else {
            return false
        }
        var named: [SimulatedNode] = []
        for word in words.dropFirst() { named.append(try node(word)) }
        let adding = words[0] == "remove" ? [] : named.suffix(words[0] == "add" ? 2 : 1)
        let removing = words[0] == "add" ? [] : named.prefix(1)
        let refusal =
            words[0] == "abort"
            ? simulation.abortChange(at: proposer)
            : simulation.beginChange(
                adding: Array(adding),
                removing: Array(removing),
                at: proposer
            )
        if let refusal { log.lines.append("  refused: \(refusal)") }
        simulation.pass(.milliseconds(20))
        onlySteps()
        return true
    }

    /// `wait until step readNext`
    private func awaitStep(_ words: [String]) -> Bool {
        let step = PartitionStep.allCases.first { "\($0)" == words[3] }
        guard words[1...2] == ["until", "step"], let step else { return false }
        let isThere = simulation.advance(within: .seconds(60)) { simulation.hasReached(step) }
        onlySteps()
        return isThere
    }

    /// `recover n3 n4`
    private func recover(_ words: [String]) throws(Scenario.ScriptError) -> Bool {
        guard let proposer = simulation.memberNodes.first(where: { $0.process != nil }) else {
            return false
        }
        var gone: [SimulatedNode] = []
        for word in words.dropFirst() { gone.append(try node(word)) }
        if let refusal = simulation.recover(without: gone, at: proposer) {
            log.lines.append("  refused: \(refusal)")
        }
        simulation.pass(.milliseconds(100))
        log.lines.removeAll {
            !$0.contains(" -- ") && !$0.contains("refused: ") && !$0.contains("proposal ended")
                && !$0.contains("note: ")
        }
        return true
    }

    private func awaitStillRing() {
        simulation.awaitStillRing()
        simulation.awaitQuiet()
        onlySteps()
    }

    /// Of what happened, what is said of nodes as a whole.
    private func onlySteps() {
        log.lines.removeAll { !$0.contains(" -- ") && !$0.contains("refused: ") }
    }

    /// `rot n1 apple`; false when there is no such record.
    private func rot(_ words: [String]) throws(Scenario.ScriptError) -> Bool {
        let key = simulation.key(words[2])
        return try node(words[1]).disk[key].corrupt(key)
    }

    private func changeDisk(_ words: [String]) throws(Scenario.ScriptError) -> Bool {
        let node = try node(words[1])
        guard node.process == nil else { return false }
        switch words[0] {
        case "copy": node.copy = node.disk
        case "wipe": simulation.loseDisk(node, keeping: nil)
        default:
            guard let copy = node.copy else { return false }
            simulation.loseDisk(node, keeping: copy)
        }
        return true
    }

    /// `40 times n1 read apple all`
    private func repeating(_ words: [String]) throws(Scenario.ScriptError) -> Bool {
        guard let times = Int(words[0]), times > 0 else { return false }
        let before = log.lines
        for _ in 0..<times {
            guard try request(Array(words.dropFirst(2))) else { return false }
        }
        log.lines = before
        return true
    }

    private func node(_ name: String) throws(Scenario.ScriptError) -> SimulatedNode {
        guard let node = simulation.nodes.first(where: { "n\($0.index + 1)" == name }) else {
            throw Scenario.ScriptError(description: "no node: \(name)")
        }
        return node
    }

    /// Lets what was begun come to its end.
    private func settle() {
        simulation.pass(.milliseconds(1))
        simulation.awaitQuiet()
    }

    private func cut(_ a: SimulatedNode, _ b: SimulatedNode, isCut: Bool) {
        for (from, to) in [(a.index, b.index), (b.index, a.index)] {
            if isCut {
                simulation.block(from: from, to: to)
            } else {
                simulation.unblock(from: from, to: to)
            }
        }
    }

    /// `n1 set apple red quorum [sloppy] [&]`
    private func request(_ words: [String]) throws(Scenario.ScriptError) -> Bool {
        var words = words
        let waits = words.last != "&"
        if !waits { words.removeLast() }
        let isSloppy = words.last == "sloppy"
        if isSloppy { words.removeLast() }
        guard words.count >= 4, let level = Consistency(words[words.count - 1]) else {
            return false
        }
        let key = simulation.key(words[2])
        let number = simulation.causal.number(of: key) ?? simulation.follow(key)
        guard let operation = operation(words) else { return false }
        var request = ClientRequest(
            key: key,
            operation: operation,
            levels: ConsistencyLevels(read: level, write: level),
            timeout: .milliseconds(100)
        )
        request.isSloppy = isSloppy
        let node = try node(words[0])
        guard node.process != nil else { return false }
        let ticket = simulation.submit(.request(request, key: number), at: node, client: nil)
        if waits {
            _ = simulation.advance(within: .seconds(1)) { simulation.ownReplies[ticket] != nil }
            settle()
        }
        if case .response(let response)? = simulation.ownReplies[ticket] {
            remember(response, words[2])
        }
        return true
    }

    private func operation(_ words: [String]) -> ClientRequest.Operation? {
        let value = Mutation.Content.value(ByteBuffer(string: words[3]))
        let context = Mutation.Basis.context(contexts[words[2]] ?? VersionVector())
        switch (words[1], words.count) {
        case ("read", 4): return .read
        case ("inspect", 4): return .inspect
        case ("delete", 4): return .write(Mutation(content: .tombstone))
        case ("set", 5): return .write(Mutation(content: value))
        case ("blind", 5): return .write(Mutation(content: value, basis: .nothing))
        case ("over", 5): return .write(Mutation(content: value, basis: context))
        default: return nil
        }
    }

    private func remember(_ response: ClientResponse, _ key: String) {
        switch response {
        case .object(let object?): contexts[key] = object.context
        case .written(let context, _): contexts[key] = context
        case .object(nil), .notApplied, .inspected, .failed: break
        }
    }

    private func writeDisks() {
        for key in simulation.causal.keys {
            let name = String(decoding: key.key.readableBytesView, as: UTF8.self)
            for node in simulation.nodes where !node.isSpare {
                for place in Place.all(of: node.index, simulation.nodes.count) {
                    let found = node.peek(place.key(key))
                    if place.home != nil, case .success(nil) = found { continue }
                    let whose = place.home.map { " in place of n\($0 + 1)" } ?? ""
                    let text: String
                    switch found {
                    case .success(let bytes): text = simulation.trace.describe(record: bytes)
                    case .failure(let failure): text = "\(failure)"
                    }
                    log.lines.append("  n\(node.index + 1) holds of \(name)\(whose): \(text)")
                }
            }
        }
        for node in simulation.nodes {
            for (target, count) in node.disk.hintCounts {
                let hints = count == 1 ? "1 hint" : "\(count) hints"
                log.lines.append("  n\(node.index + 1) keeps \(hints) for n\(target.rawValue)")
            }
        }
    }
}

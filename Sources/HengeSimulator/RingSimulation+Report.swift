package import HengeBase
import HengeMessages
package import HengeRing

import struct NIOCore.ByteBuffer

/// What a ``RingSimulation`` changes and measures.
extension RingSimulation {
    /// One epoch on its way through the cluster.
    package struct Epoch: Hashable, Sendable {
        package let epoch: UInt64
        /// When the first and the last node had adopted it.
        package let first: Instant
        package internal(set) var last: Instant
        /// How many have.
        package internal(set) var adopted = 1
    }

    /// Bytes are with frames, as all nodes sent them from the beginning of the change to its end.
    package struct Report: Hashable, Sendable {
        package var epochs: [Epoch]
        package var time: Interval
        /// Of elections and of what tells of their outcomes.
        package var electionBytes: Int
        package var reportBytes: Int
        /// Of whole documents, which are part of the first.
        package var documents: Int
        /// Of the node that sent most.
        package var electionBytesMax: Int
        package var reportBytesMax: Int
        package var reports: Int
    }

    struct Tally {
        private(set) var epochs: [Epoch] = []
        private(set) var began = Instant(nanoseconds: 0)
        private var isCounting = false
        private var electionBytes: [Int]
        private var reportBytes: [Int]
        private var reports = 0
        private var documents = 0
        /// Whole documents are long, and the same for many.
        private var documentBytes: (epoch: UInt64, count: Int) = (0, 0)

        init(nodes: Int) {
            electionBytes = Array(repeating: 0, count: nodes)
            reportBytes = Array(repeating: 0, count: nodes)
        }

        mutating func begin(at now: Instant) {
            isCounting = true
            began = now
        }

        mutating func sent(_ message: RingMessage, by member: Int) {
            guard isCounting else { return }
            var count = 0
            if case .decided(let document) = message {
                documents += 1
                if documentBytes.epoch != document.epoch {
                    documentBytes = (document.epoch, RingSimulation.bytes(of: .ring(message)))
                }
                count = documentBytes.count
            } else {
                count = RingSimulation.bytes(of: .ring(message))
            }
            electionBytes[member] += count
        }

        mutating func sent(_ report: RingReport, by member: Int) {
            guard isCounting else { return }
            reports += 1
            reportBytes[member] += RingSimulation.bytes(of: .ringReport(report))
        }

        mutating func adopted(_ epoch: UInt64, at now: Instant) {
            if let index = epochs.firstIndex(where: { $0.epoch == epoch }) {
                epochs[index].last = now
                epochs[index].adopted += 1
            } else {
                epochs.append(Epoch(epoch: epoch, first: now, last: now))
            }
        }

        func report() -> Report {
            Report(
                epochs: epochs,
                time: (epochs.last?.last ?? began).since(began),
                electionBytes: electionBytes.reduce(0, +),
                reportBytes: reportBytes.reduce(0, +),
                documents: documents,
                electionBytesMax: electionBytes.max() ?? 0,
                reportBytesMax: reportBytes.max() ?? 0,
                reports: reports
            )
        }
    }

    /// A message's length on the wire, with its frame.
    private static func bytes(of message: PeerMessage) -> Int {
        var bytes = ByteBuffer()
        PeerMessageCodec.write(message, into: &bytes)
        return Frame.headerLength + bytes.readableBytes
    }

    package var report: Report { tally.report() }

    // MARK: The change

    /// The ring that a simulation begins with: nodes of equal weight, in zones of ten.
    package static func start(nodes: Int, partitions: Int) throws(RingError) -> RingDocument {
        let members = (1...nodes).map { member($0) }
        let placement = Placement.initial(members: members, partitions: partitions, replicas: 3)
        let document = RingDocument(
            clusterID: 1,
            epoch: 1,
            replicas: 3,
            members: members,
            owners: placement.owners
        )
        try document.validate()
        return document
    }

    /// Plans a change of a ring.
    package static func plan(
        _ change: Change,
        of document: RingDocument
    ) throws(RingChangeFault) -> RingDocument {
        var members = document.members
        switch change {
        case .vnode:
            var owners = document.owners
            // To the node that is farthest away, so that the windows stay spread.
            owners[0] = owners[owners.count / 2]
            return try document.beginning(members: members, owners: owners)
        case .node:
            members.append(member(Int(document.highestID.rawValue) + 1))
            let target = Placement.change(
                owners: document.owners,
                from: document.members,
                to: members,
                replicas: document.replicas
            )
            return try document.beginning(members: members, owners: target.owners)
        }
    }

    private static func member(_ number: Int) -> Member {
        Member(
            id: NodeID(UInt16(number)),
            name: "node-\(number)",
            peerAddress: "node-\(number).henge.internal:7401",
            zone: "rack-\(number / 10)"
        )
    }
}

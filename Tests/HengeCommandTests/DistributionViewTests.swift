import Foundation
import HengeBase
import HengeCausality
import HengeClient
import HengeCommand
import HengeRing
import HengeServer
import NIOCore
import Testing

@Suite struct DistributionViewTests {
    private func ring(_ list: String) throws -> Ring {
        Ring(
            try RingDocument.bootstrap(
                try BootstrapList.parse(list), replicas: 3, partitions: 64))
    }

    private func counted(_ list: String, keys: Int = 5_000) throws -> DistributionSurvey {
        var tally = Array("default".utf8).withUnsafeBytes { KeyTally(bucket: $0) }
        for number in 0..<keys {
            Array("key\(number)".utf8).withUnsafeBytes { tally.add($0) }
            Array("{tag}\(number % 50)".utf8).withUnsafeBytes { tally.add($0) }
        }
        return DistributionSurvey(tally, ring: try ring(list))
    }

    /// As nodes would tell it, one of them silent, with names that are not meant well.
    private func gathered() throws -> DistributionSurvey {
        let ring = try ring("n1=h:1/zone=a,n2=h:2/zone=a,n3=h:3/zone=b,n4=h:4/weight=2")
        let cells = (0..<64).map { index in
            KeyLoad(keys: 100 + index, bytes: 9_000, siblings: index % 3, tombstones: 2)
        }
        var held = DistributionSurvey.holdings(of: cells, on: ring).map(Optional.some)
        held[2] = nil
        var sample = RecordSample()
        sample.records = 500
        sample.population = 8_480
        sample.tagged = 10
        sample.missing = ["n2"]
        sample.add(KeyLoad(keys: 400, bytes: 30_000), to: Array("<script>alert(1)</script>".utf8))
        sample.add(KeyLoad(keys: 100, bytes: 5_000, siblings: 7), to: [0xFF, 0x00, 0x1B])
        sample.keyBytes.add(12, times: 500)
        sample.valueBytes.add(100, times: 400)
        sample.valueBytes.add(70_000, times: 100)
        sample.siblings.add(1, times: 490)
        sample.siblings.add(9, times: 10)
        sample.noteLargest(
            .init(bucket: [0x61], key: Array("\"'&<b>".utf8), bytes: 70_100, siblings: 9))
        sample.noteMostSiblings(
            .init(bucket: [0x61], key: [0xFE], bytes: 100, siblings: 9))
        return DistributionSurvey(
            source: .cluster, ring: ring, isChanging: true, cells: cells, held: held,
            counting: ["n1"], hashTags: HashTags(keys: 170, isExact: false), sample: sample)
    }

    private func reply(_ tree: ReplyTree) -> HengeReply {
        switch tree {
        case .null: .null
        case .integer(let number): .integer(number)
        case .double(let number): .double(number)
        case .boolean(let flag): .boolean(flag)
        case .simple(let text), .text(let text): .bulk(text)
        case .bytes(let bytes): .bytes(bytes)
        case .array(let elements), .set(let elements): .array(elements.map(reply))
        case .map(let fields):
            .map(fields.map { HengeReply.Entry(key: .bulk($0.name), value: reply($0.value)) })
        }
    }

    @Test("the JSON is as its schema says, with changes and strategies, and without")
    func schema() throws {
        let whatIf = try WhatIf(["add=n8", "weight=n1:2"])
        let split = try WhatIf(["remove=n1", "partitions=128"])
        for result in [
            try DistributionResult(try gathered()),
            try DistributionResult(try gathered(), whatIf: split, comparesStrategies: true),
            try DistributionResult(
                try counted("n1=h:1,n2=h:2,n3=h:3,n4=h:4"), whatIf: whatIf,
                comparesStrategies: true),
            try DistributionResult(try counted("n1=h:1", keys: 0)),
        ] {
            var check = try SchemaCheck(file: "distribution-report.schema.json")
            try check.check(result.json.text)
            #expect(check.faults.isEmpty, "\(check.faults.prefix(5))")
        }
    }

    @Test("a schema that is not met is noticed")
    func schemaFaults() throws {
        var check = try SchemaCheck(file: "distribution-report.schema.json")
        try check.check(#"{"source":"moon","keys":-1,"bytes":true,"more":1}"#)
        for fault in ["moon", "no nodes", "more is not described", "-1", "is no [\"integer\"]"] {
            #expect(check.faults.contains { $0.contains(fault) }, "\(fault): \(check.faults)")
        }
    }

    @Test("what a node tells is read back as it was")
    func roundTrip() throws {
        let told = DistributionReport(try gathered())
        let tree = DistributionReply(told).tree
        let read = DistributionReport(try DistributionSurvey(reply(tree)))
        #expect(JSON(DistributionReply(read).tree).text == JSON(tree).text)
        #expect(throws: ReplyFields.Fault.self) { try DistributionSurvey(.fields()) }
    }

    @Test("a page is well-formed, asks for nothing, and lets no name become markup")
    func page() throws {
        for result in [
            try DistributionResult(
                try gathered(), whatIf: try WhatIf(["add=n9"]), comparesStrategies: true),
            try DistributionResult(try counted("n1=h:1,n2=h:2,n3=h:3,n4=h:4")),
        ] {
            let text = DistributionPage(result).page.text
            let start = try #require(text.range(of: "<html"))
            var xml = String(text[start.lowerBound...])
            // The style is no XML.
            if let from = xml.range(of: "<style>"), let to = xml.range(of: "</style>") {
                xml.removeSubrange(from.lowerBound..<to.upperBound)
            }
            #expect(Self.unbalanced(xml).isEmpty, "\(Self.unbalanced(xml))")
            for word in [
                "http://", "https://", "url(", "@import", "<script", " src=", " href=",
                " onload",
            ] {
                #expect(!text.contains(word), "\(word)")
            }
            #expect(text.contains("prefers-color-scheme:dark") && text.contains("@media print"))
            #expect(text.contains("default-src 'none'") || text.contains("&#39;none&#39;"))
        }
        let text = DistributionPage(try DistributionResult(try gathered())).page.text
        #expect(text.contains("&lt;script&gt;alert(1)&lt;/script&gt;"))
        #expect(!text.unicodeScalars.contains("\u{1B}"))
        #expect(text.contains("No answer from n3"))
    }

    /// Elements that are not closed where they should be.
    private static func unbalanced(_ xml: String) -> [String] {
        var open: [String] = []
        var faults: [String] = []
        for part in xml.split(separator: "<").dropFirst(0) {
            guard let end = part.firstIndex(of: ">") else {
                faults.append(String(part.prefix(40)))
                continue
            }
            let tag = part[..<end]
            let name = String(tag.prefix { $0.isLetter || $0.isNumber || $0 == "/" })
            if name.hasPrefix("/") {
                if open.popLast() != String(name.dropFirst()) { faults.append(name) }
            } else if !tag.hasSuffix("/") {
                open.append(name)
            }
        }
        return faults + open
    }

    @Test("the text says what is exact and what is not, and explains")
    func text() throws {
        let lines = DistributionText(
            try DistributionResult(try gathered(), whatIf: try WhatIf(["remove=n1"])),
            color: false
        ).lines
        let text = lines.joined(separator: "\n")
        #expect(text.contains("estimated from 500 of 8,480 records"))
        #expect(text.contains("No answer from n3") && text.contains("n2 looked at fewer"))
        #expect(text.contains("what if: remove n1"))
        #expect(!text.contains("\u{1B}"), "no colours, and nothing of a name that steers")
        let counted = DistributionText(
            try DistributionResult(
                try counted("n1=h:1,n2=h:2,n3=h:3,n4=h:4"), comparesStrategies: true, tooLong: 2),
            color: false
        ).lines.joined(separator: "\n")
        #expect(counted.contains("2 lines are longer than a key may be"))
        #expect(counted.contains("{tag} is a tag of slot"))
        #expect(counted.contains("strategy_3") && counted.contains("10,000 keys"))
    }
}

@Suite struct WhatIfTests {
    @Test("changes are read in order, several of a kind after one verb")
    func words() throws {
        let whatIf = try WhatIf([
            "add=n4,n5", "remove=n2", "weight=n1:2", "zone=n4:b", "replace=n3:n6",
            "partitions=4096",
        ])
        #expect(
            whatIf.operations == [
                .add("n4", weight: nil, zone: nil), .add("n5", weight: nil, zone: nil),
                .remove("n2"), .weight("n1", 2), .zone("n4", "b"), .replace("n3", with: "n6"),
            ])
        #expect(whatIf.partitions == 4096)
        #expect(whatIf.text.hasSuffix("replace n3 n6, partitions 4096"))
    }

    @Test(
        "what is none is refused with what it should be",
        arguments: [
            "add", "add=", "grow=n1", "weight=n1", "weight=n1:x", "partitions=100",
            "partitions=32768", "add=n/1", "replace=n1",
        ])
    func refused(word: String) {
        #expect(throws: WhatIf.Fault.self) { try WhatIf([word]) }
    }
}

@Suite struct KeyFileTests {
    private func tally(_ bytes: [UInt8]) throws -> KeyFile {
        let path = NSTemporaryDirectory() + "henge-keys-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        return try KeyFile(path: path, bucket: "default")
    }

    @Test("each line is a key, to the last byte; empty lines and lines too long are none")
    func lines() throws {
        let file = try tally(Array("one\n\ntwo\r\nthree".utf8))
        #expect(file.tally.slots.total == KeyLoad(keys: 3, bytes: 3 + 4 + 5))
        let longest = [UInt8](repeating: 0x61, count: 65_536)
        let long = try tally(longest + [0x0A] + longest + [0x61, 0x0A] + Array("k\n".utf8))
        #expect(long.tally.slots.total == KeyLoad(keys: 2, bytes: 65_537) && long.tooLong == 1)
        #expect(try tally([]).tally.slots.total == .nothing)
    }

    @Test("lines that cross blocks are whole, and very long ones are passed over once")
    func blocks() throws {
        var bytes: [UInt8] = []
        var count = 0
        var size = 0
        while bytes.count < 9 << 20 {
            let key = Array("key-\(count)-".utf8) + [UInt8](repeating: 0x62, count: count % 900)
            bytes += key + [0x0A]
            count += 1
            size += key.count
        }
        bytes += [UInt8](repeating: 0x63, count: 10 << 20) + Array("\nlast".utf8)
        let file = try tally(bytes)
        #expect(file.tally.slots.total == KeyLoad(keys: count + 1, bytes: size + 4))
        #expect(file.tooLong == 1)
    }

    @Test("a file that can't be read says why")
    func missing() {
        #expect(throws: CommandFailure.self) {
            try KeyFile(path: "/nonexistent/keys", bucket: "default")
        }
    }
}

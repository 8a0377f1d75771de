import Glibc
import HengeCommand
import Testing

@Suite struct ProcessRecordTests {
    @Test("a pid file holds what it was given, and nothing else makes one")
    func file() {
        let record = ProcessRecord(pid: 4711, startTicks: 98_765, boot: "2b-7c")
        #expect(record.text == "4711 98765 2b-7c\n")
        #expect(ProcessRecord(text: record.text) == record)
        for text in ["", "4711", "4711 9", "0 9 b", "-3 9 b", "x 9 b", "1 -9 b", "1 9 b c"] {
            #expect(ProcessRecord(text: text) == nil, "\(text)")
        }
    }

    @Test("a command's name in /proc/PID/stat may hold anything")
    func stat() throws {
        let tail = "S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 555 20 21"
        for name in ["henge", "a b", "x) Z 1 (y", ")"] {
            let stat = try #require(ProcessStat("7 (\(name)) \(tail)"))
            #expect(stat.startTicks == 555)
            #expect(stat.state == "S")
            #expect(!stat.hasEnded)
        }
        #expect(ProcessStat("7 (henge) Z" + tail.dropFirst())?.hasEnded == true)
        #expect(ProcessStat("7 (henge) S 1 2") == nil)
        #expect(ProcessStat("") == nil)
    }

    @Test("a process that only has the same pid is another one, and is never signalled")
    func recycled() throws {
        let own = try #require(NodeProcess.record(of: getpid()))
        #expect(NodeProcess.isRunning(own))
        var recycled = own
        recycled.startTicks += 1
        #expect(!NodeProcess.isRunning(recycled))
        // Signal 0 harms nobody, should the check fail.
        #expect(!NodeProcess.signal(recycled, 0))
        var rebooted = own
        rebooted.boot = "another"
        #expect(!NodeProcess.signal(rebooted, 0))
        #expect(NodeProcess.signal(own, 0))
        #expect((NodeProcess.residentBytes(own) ?? 0) > 1 << 20)
    }
}

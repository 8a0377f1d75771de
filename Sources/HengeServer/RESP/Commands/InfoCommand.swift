import Glibc
import HengeBase
import HengeNode
import HengeRESP
import NIOCore

/// `INFO`, in the sections that Redis has and one of Henge's own.
extension ClientSession {
    func info(_ command: RESPCommand) {
        var wanted: Set<String> = []
        for index in 1..<max(1, command.count) {
            wanted.insert(command.text(index).lowercased())
        }
        let showsAll = wanted.isEmpty || !wanted.isDisjoint(with: ["default", "all", "everything"])
        let sections = InfoReport(hub).sections.filter { section in
            showsAll || wanted.contains(section.name.lowercased())
        }
        let text = sections.map { section in
            "# \(section.name)\r\n" + section.lines.map { "\($0):\($1)\r\n" }.joined()
        }
        connection.writer.verbatim(text.joined(separator: "\r\n"), into: &out)
    }
}

/// What `INFO` says.
struct InfoReport {
    struct Section {
        let name: String
        let lines: [(key: String, value: String)]

        init(_ name: String, _ lines: KeyValuePairs<String, String>) {
            self.name = name
            self.lines = lines.map { ($0.key, $0.value) }
        }

        init(_ name: String, _ fields: [ReplyTree.Field]) {
            self.name = name
            lines = fields.compactMap { field in
                switch field.value {
                case .integer(let value): (field.name, String(value))
                case .text(let text): (field.name, text)
                case .boolean(let value): (field.name, value ? "1" : "0")
                case .double(let value): (field.name, "\(value)")
                case .null, .simple, .bytes, .array, .set, .map: nil
                }
            }
        }
    }

    let sections: [Section]

    init(_ hub: ClientHub) {
        let driver = hub.driver
        let settings = driver.settings
        let uptime = driver.now.since(driver.startedAt).milliseconds / 1000
        let memory = ProcessMemory.residentBytes
        let total = driver.figures.tallies.total
        let clients = driver.figures.clients
        let counters = clients.counters
        sections = [
            Section(
                "Server",
                [
                    "redis_version": ServerVersion.redis,
                    "redis_mode": "cluster",
                    "henge_version": ServerVersion.henge,
                    "os": "Linux",
                    "arch_bits": "64",
                    "process_id": String(getpid()),
                    "run_id": hub.runID,
                    "tcp_port": String(settings.respAddress.port),
                    "uptime_in_seconds": String(uptime),
                    "uptime_in_days": String(uptime / 86_400),
                ]
            ),
            Section(
                "Clients",
                [
                    "connected_clients": String(clients.connections),
                    "maxclients": String(settings.connectionsMax),
                    "blocked_clients": "0",
                ]
            ),
            Section(
                "Memory",
                [
                    "used_memory": String(memory),
                    "used_memory_human": "\(memory >> 20)M",
                    "used_memory_rss": String(memory),
                    "maxmemory": "0",
                    "maxmemory_policy": "noeviction",
                ]
            ),
            Section(
                "Persistence",
                ["loading": "0", "aof_enabled": "1"]
            ),
            Section(
                "Stats",
                [
                    "total_connections_received": String(counters.connectionsReceived),
                    "total_commands_processed": String(counters.commands),
                    "total_net_input_bytes": String(counters.bytesRead),
                    "total_net_output_bytes": String(counters.bytesWritten),
                    "rejected_connections": String(counters.connectionsRejected),
                    "total_error_protocol": String(counters.protocolErrors),
                ]
            ),
            Section("Replication", ["role": "master", "connected_slaves": "0"]),
            Section("Cluster", ["cluster_enabled": "1"]),
            Section("Henge", StatusReport(hub).fields),
            Section(
                "Keyspace",
                total.keys > 0 ? ["db0": "keys=\(total.keys),expires=0,avg_ttl=0"] : [:]
            ),
        ]
    }
}

/// What the process takes of the machine's memory.
package enum ProcessMemory {
    /// 0 where the system doesn't tell.
    package static var residentBytes: Int {
        let file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return 0 }
        defer { close(file) }
        let text = withUnsafeTemporaryAllocation(byteCount: 128, alignment: 1) { bytes in
            let count = read(file, bytes.baseAddress, bytes.count)
            return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
        }
        // Pages of the whole program, then pages resident.
        let words = text.split(separator: " ")
        guard words.count > 1, let pages = Int(words[1]) else { return 0 }
        return pages * sysconf(Int32(_SC_PAGESIZE))
    }
}

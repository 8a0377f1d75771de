import HengeRESP
import HengeStorage
import NIOCore

/// `CONFIG GET`: the settings that clients and tools ask for, by their Redis names.
extension ClientSession {
    func config(_ command: RESPCommand) throws(CommandError) {
        switch command.text(1).lowercased() {
        case "get":
            guard command.count > 2 else { throw .wrongArity("config|get") }
            var patterns: [GlobPattern] = []
            for index in 2..<command.count {
                patterns.append(try GlobPattern(command[index], ignoringCase: true))
            }
            let fields = settings.filter { setting in
                let name = ByteBuffer(string: setting.key)
                return patterns.contains { $0.matches(name) }
            }
            write(.map(fields.map { ReplyTree.Field(name: $0.key, value: .text($0.value)) }))
        case "help":
            write(.array([.simple("CONFIG GET <pattern> [<pattern> ...]")]))
        default:
            throw .unknownSubcommand(command, of: "config")
        }
    }

    private var settings: KeyValuePairs<String, String> {
        let settings = hub.driver.settings
        let isSync = settings.durability == .sync
        return [
            "bind": settings.respAddress.host,
            "port": String(settings.respAddress.port),
            "databases": "1",
            "save": "",
            "appendonly": "yes",
            "appendfsync": isSync ? "always" : "everysec",
            "maxmemory": "0",
            "maxmemory-policy": "noeviction",
            "maxclients": String(settings.connectionsMax),
            "timeout": "0",
            "tcp-keepalive": "0",
            "proto-max-bulk-len": String(settings.valueBytesMax),
            "cluster-enabled": "yes",
            "dir": settings.dataDirectory,
            "henge-replicas": String(hub.driver.ring.document.replicas),
            "henge-partitions": String(hub.driver.ring.partitions),
            "henge-shards": String(settings.shards),
            "henge-request-timeout-ms": String(settings.requestTimeout.milliseconds),
            "henge-consistency-read": settings.levels.read.description,
            "henge-consistency-write": settings.levels.write.description,
            "henge-allow-flush": settings.allowsFlush ? "yes" : "no",
        ]
    }
}

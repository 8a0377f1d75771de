import NIOCore

/// Keeps one connection to one of several nodes, and makes another when it breaks.
actor ConnectionKeeper {
    private let addresses: [HengeAddress]
    private let options: HengeConnection.Options
    private let group: (any EventLoopGroup)?

    private var current: HengeConnection?
    /// The attempt that everyone waits for who needs a connection meanwhile.
    private var attempt: Task<Result<HengeConnection, HengeError>, Never>?
    /// Where the next attempt begins: the last address that worked.
    private var preferred = 0
    private var isClosed = false

    init(
        addresses: [HengeAddress],
        options: HengeConnection.Options,
        group: (any EventLoopGroup)?
    ) {
        self.addresses = addresses
        self.options = options
        self.group = group
    }

    /// The connection, made if need be.
    func connection() async throws(HengeError) -> HengeConnection {
        guard !isClosed else { throw HengeError(.connectionFailed, "the client is closed") }
        if let current, current.isOpen { return current }
        let attempt = attempt ?? begin()
        return try await attempt.value.get()
    }

    /// Has the next request connect elsewhere first, unless that has happened already.
    func abandon(_ connection: HengeConnection) async {
        guard current === connection else { return }
        current = nil
        preferred = (preferred + 1) % addresses.count
        await connection.close()
    }

    func close() async {
        isClosed = true
        let connection = current
        current = nil
        await connection?.close()
    }

    private func begin() -> Task<Result<HengeConnection, HengeError>, Never> {
        let task = Task { await self.connectToAny() }
        attempt = task
        return task
    }

    private func connectToAny() async -> Result<HengeConnection, HengeError> {
        defer { attempt = nil }
        let first = preferred
        var failures: [HengeError] = []
        for offset in addresses.indices {
            let index = (first + offset) % addresses.count
            do throws(HengeError) {
                let connection = try await HengeConnection.connect(
                    to: addresses[index],
                    options: options,
                    on: group
                )
                return await adopt(connection, at: index)
            } catch {
                failures.append(error)
            }
        }
        return .failure(summary(failures))
    }

    private func adopt(
        _ connection: HengeConnection,
        at index: Int
    ) async -> Result<HengeConnection, HengeError> {
        guard !isClosed else {
            await connection.close()
            return .failure(HengeError(.connectionFailed, "the client is closed"))
        }
        current = connection
        preferred = index
        return .success(connection)
    }

    /// One error for all addresses. Nothing of the caller's was sent.
    private func summary(_ failures: [HengeError]) -> HengeError {
        if failures.count == 1, let only = failures.first {
            return HengeError(only.code, only.message)
        }
        // A refusal that all nodes agree on is the better reason than an address that is down.
        let refusal = failures.first { $0.code == .server }
        let code = refusal?.code ?? .connectionFailed
        return HengeError(code, failures.map(\.message).joined(separator: "; "))
    }
}

import HengeClient
import NIOCore

/// One request on a connection of its own.
enum Question {
    static func ask(
        _ words: [String],
        at address: HengeAddress,
        options: HengeConnection.Options = HengeConnection.Options()
    ) async throws(HengeError) -> HengeReply {
        let connection = try await HengeConnection.connect(to: address, options: options)
        do throws(HengeError) {
            let reply = try await connection.send(words.map { ByteBuffer(string: $0) })
            await connection.close()
            return reply
        } catch {
            await connection.close()
            throw error
        }
    }
}

/// The version of the protocol that a connection speaks; `HELLO` changes it.
package enum RESPVersion: Int, Sendable {
    case v2 = 2
    case v3 = 3
}

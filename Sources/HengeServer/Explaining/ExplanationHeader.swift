import HengeMessages

/// An explanation as the value of a header: the JSON of `henge explain --json` without the key,
/// pure ASCII, in a length that every client takes.
package struct ExplanationHeader {
    /// Many servers and proxies take 8 KiB for all headers together.
    package static let bytesMax = 4096

    package let text: String

    /// Leaves out the last steps until the rest fits.
    package init?(_ reply: ExplanationReply) {
        var steps = reply.stepCount
        while true {
            let tree = reply.tree(stepsMax: steps, withKey: false)
            let text = Self.ascii(JSONValue(tree).text)
            if text.utf8.count <= Self.bytesMax {
                self.text = text
                return
            }
            guard steps > 0 else { return nil }
            steps -= 1 + steps / 8
        }
    }

    /// RFC 9110, section 5.5: other characters are opaque at best. JSON can spell all of them so.
    private static func ascii(_ text: String) -> String {
        guard !text.utf8.allSatisfy({ $0 < 0x7F }) else { return text }
        var out = ""
        for unit in text.utf16 {
            if unit < 0x7F {
                out.unicodeScalars.append(Unicode.Scalar(UInt8(unit)))
            } else {
                let digits = String(unit, radix: 16)
                out += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            }
        }
        return out
    }
}

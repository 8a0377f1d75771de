import HengeCausality
import Testing

@Suite struct Base64URLTests {
    @Test(
        "the vectors of RFC 4648, section 10, without padding",
        arguments: [
            ("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg"),
            ("fooba", "Zm9vYmE"), ("foobar", "Zm9vYmFy"),
        ]
    )
    func vectors(plain: String, text: String) throws {
        #expect(Base64URL.encode(plain.utf8) == text)
        #expect(try Base64URL.decode(text.utf8) == Array(plain.utf8))
    }

    @Test("the URL-safe alphabet of section 5")
    func alphabet() throws {
        #expect(Base64URL.encode([0xFB, 0xFF, 0xFE]) == "-__-")
        #expect(try Base64URL.decode("-__-".utf8) == [0xFB, 0xFF, 0xFE])
        for value in UInt8.min...UInt8.max {
            #expect(try Base64URL.decode(Base64URL.encode([value]).utf8) == [value])
        }
    }

    @Test(
        "padding, other alphabets, a lone letter and bits left over are refused",
        arguments: ["Zg==", "Zm8=", "+//+", "Z", "Zm9vY", "Zh", "Zm9", "Zm 8", "Zm8\n", "Zé"]
    )
    func refused(text: String) {
        #expect(throws: ObjectDecodeError.notBase64) { try Base64URL.decode(text.utf8) }
    }
}

import HengeClient
import HengeCommand
import NIOCore
import Testing

@Suite struct SiblingListingTests {
    private let object = HengeObject(
        context: HengeContext("ctx"),
        siblings: [
            HengeSibling(value: ByteBuffer(string: "pears"), writtenAtMilliseconds: 1_000_007),
            HengeSibling(
                value: ByteBuffer(string: "apples"),
                writtenAtMilliseconds: 1_000_000,
                expiresAtMilliseconds: 2_000_000
            ),
        ]
    )

    @Test("JSON of one value, and of all")
    func json() {
        let key = ByteBuffer(string: "cart")
        let one = SiblingListing.json(
            key: key,
            bucket: nil,
            object: object,
            newest: object.siblings[0]
        )
        #expect(
            one.text == #"{"bucket":"default","key":"cart","context":"ctx","value":"pears","#
                + #""timestamp_ms":1000007,"expiry_ms":null,"siblings":2}"#
        )
        let all = SiblingListing.json(key: key, bucket: "b", object: object, newest: nil)
        #expect(
            all.text == #"{"bucket":"b","key":"cart","context":"ctx","siblings":["#
                + #"{"value":"pears","timestamp_ms":1000007,"expiry_ms":null},"#
                + #"{"value":"apples","timestamp_ms":1000000,"expiry_ms":2000000}]}"#
        )
    }

    @Test("the table shows each value with its times and ends with the context")
    func lines() {
        #expect(
            SiblingListing.lines(object, color: false) == [
                "written (UTC)            expires (UTC)            value",
                "1970-01-01 00:16:40.007  never                    pears",
                "1970-01-01 00:16:40.000  1970-01-01 00:33:20.000  apples",
                "context  ctx",
            ]
        )
        #expect(SiblingListing.time(-1) == "-1 ms")
        #expect(SiblingListing.time(.max) == "\(Int64.max) ms")
    }
}

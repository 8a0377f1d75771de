import HTTPTypes
import HengeBase
import HengeCausality
import HengeMessages
import HengeServer
import NIOCore
import Testing

@Suite struct ObjectPartsTests {
    private func bytes(_ text: String) -> ByteBuffer { ByteBuffer(string: text) }

    // MARK: Paths

    @Test("paths name what Riak's name, with and without the type default")
    func paths() throws {
        for prefix in ["", "/types/default"] {
            #expect(try ObjectPath("\(prefix)/buckets") == .buckets)
            #expect(try ObjectPath("\(prefix)/buckets/") == .buckets)
            #expect(try ObjectPath("\(prefix)/buckets/b/props") == .bucketProperties(bytes("b")))
            #expect(try ObjectPath("\(prefix)/buckets/b/keys") == .keys(bytes("b")))
            #expect(
                try ObjectPath("\(prefix)/buckets/a%2Fb/keys/k%20%ff%2f")
                    == .object(
                        bucket: bytes("a/b"),
                        key: ByteBuffer(bytes: Array("k ".utf8) + [0xFF, UInt8(ascii: "/")])
                    )
            )
        }
        #expect(try ObjectPath("/types/default/props") == .typeProperties)
    }

    @Test(
        "paths that name nothing are refused with a status and a reason",
        arguments: [
            ("/nothing", 404), ("/buckets/b", 404), ("/buckets/b/other", 404),
            ("/types/maps/buckets/b/keys/k", 404), ("/types", 404), ("/types/default/x", 404),
            ("/buckets/b/keys/%", 400), ("/buckets/b/keys/%4", 400), ("/buckets/b/keys/%zz", 400),
            ("/buckets//keys/k", 400), ("/buckets/b/keys/a/b", 400),
            ("/buckets/b/keys/k/preflist", 400), ("/buckets/b/keys/k/_,_,1", 501),
            ("/buckets/b/index/f_bin/v", 501), ("/buckets/b/counters/c", 501),
            ("/buckets/b/datatypes/d", 501), ("/buckets/%00henge.properties/keys/k", 403),
        ]
    )
    func badPaths(path: String, status: Int) {
        #expect {
            try ObjectPath(path)
        } throws: { error in
            let failure = error as? HTTPFailure
            return failure?.status.code == status && failure?.reason.isEmpty == false
        }
    }

    @Test("every segment of bytes survives percent coding")
    func percentCoding() {
        let all = (0...255).map { UInt8($0) }
        let text = PercentCoding.encode(all)
        #expect(text.utf8.allSatisfy { $0 > 32 && $0 < 127 && $0 != UInt8(ascii: "/") })
        #expect(PercentCoding.decode(text.utf8) == all)
        #expect(PercentCoding.encode("a-Z_0.~".utf8) == "a-Z_0.~")
        #expect(PercentCoding.decode("a+b%2B%20".utf8) == Array("a b+ ".utf8), "as Riak reads them")
    }

    // MARK: Options

    private func options(
        _ query: [String: String],
        properties: BucketProperties = BucketProperties(),
        isSloppy: Bool = false
    ) throws -> RequestOptions {
        let defaults = RequestOptions.Defaults(
            levels: .standard,
            properties: properties,
            isSloppy: isSloppy,
            timeout: .seconds(2),
            replicas: 3
        )
        return try RequestOptions(defaults) { query[$0] }
    }

    @Test("a request without a query has what it would have if the query were looked at")
    func noQuery() throws {
        let levels = ConsistencyLevels(read: .one, write: .all)
        for isSloppy in [false, true] {
            let defaults = RequestOptions.Defaults(
                levels: levels,
                properties: BucketProperties(),
                isSloppy: isSloppy,
                timeout: .seconds(3),
                replicas: 3
            )
            let short = try #require(RequestOptions(standard: defaults))
            let long = try RequestOptions(defaults) { _ in nil }
            #expect(short.levels == long.levels)
            #expect(short.isSloppy == long.isSloppy)
            #expect(short.timeout == long.timeout)
            #expect(short.levels == levels && short.isSloppy == isSloppy)
            var set = defaults
            set.properties.levels = ["pw": .all]
            #expect(RequestOptions(standard: set) == nil, "the bucket's own levels count")
        }
    }

    private func required(_ query: [String: String]) throws -> [Int] {
        let levels = try options(query).levels
        return [levels.read.required(of: 3), levels.write.required(of: 3)]
    }

    @Test(
        "r, pr, w, dw, pw and consistency: the greatest of what is asked counts, at least 1",
        arguments: [
            ([:], [2, 2]), (["r": "1"], [1, 2]), (["r": "one", "pr": "all"], [3, 2]),
            (["w": "all"], [2, 3]), (["w": "1", "dw": "quorum"], [2, 2]),
            (["w": "1", "dw": "0", "pw": "1"], [2, 1]), (["r": "0"], [1, 2]),
            (["pr": "1"], [2, 2]), (["pw": "3"], [2, 3]), (["rw": "all"], [2, 3]),
            (["r": "default"], [2, 2]), (["consistency": "one"], [1, 1]),
            (["consistency": "ALL", "r": "1"], [3, 3]), (["consistency": "2"], [2, 2]),
        ] as [([String: String], [Int])]
    )
    func levels(query: [String: String], expected: [Int]) throws {
        #expect(try required(query) == expected, "\(query)")
    }

    @Test("levels beyond n and words that are none are refused in Riak's words")
    func badLevels() {
        func reason(_ query: [String: String]) -> String? {
            do {
                _ = try options(query)
                return nil
            } catch {
                return (error as? HTTPFailure)?.reason
            }
        }
        let beyond = "Specified w/dw/pw/node_confirms values invalid for bucket n value of 3"
        #expect(reason(["r": "9"]) == beyond)
        #expect(reason(["dw": "4"]) == beyond)
        #expect(reason(["consistency": "4"]) == beyond)
        let word = "must be an integer or one of the following words: 'one', 'quorum' or 'all'"
        #expect(reason(["r": "abc"]) == "r query parameter \(word)")
        #expect(reason(["pw": "-1"]) == "pw query parameter \(word)")
        #expect(reason(["consistency": "most"])?.isEmpty == false)
        #expect(reason(["timeout": "0"]) == "Bad timeout value \"0\"")
        #expect(reason(["timeout": "soon"]) == "Bad timeout value \"soon\"")
        #expect(reason(["sloppy": "maybe"])?.isEmpty == false)
    }

    @Test("a bucket's properties count where the query says nothing")
    func properties() throws {
        var properties = BucketProperties()
        try properties.set(["r": "all", "w": 1, "pw": 0], replicas: 3)
        let set = try options([:], properties: properties)
        #expect(set.levels.read.required(of: 3) == 3)
        #expect(set.levels.write.required(of: 3) == 1)
        let asked = try options(["r": "1"], properties: properties)
        #expect(asked.levels.read.required(of: 3) == 1)
    }

    @Test("sloppiness is the bucket's unless the query says or asks for primaries")
    func sloppiness() throws {
        #expect(try !options([:]).isSloppy)
        #expect(try options(["sloppy": "true"]).isSloppy)
        #expect(try options([:], isSloppy: true).isSloppy)
        #expect(try !options(["sloppy": "false"], isSloppy: true).isSloppy)
        #expect(try !options(["pr": "1"], isSloppy: true).isSloppy)
        #expect(try options(["timeout": "70"]).timeout == .milliseconds(70))
    }

    // MARK: Properties

    @Test("properties are set, stored and shown; what has no effect can't be set to something else")
    func propertyDocuments() throws {
        var properties = BucketProperties()
        try properties.set(
            [
                "allow_mult": false, "r": 1, "dw": "all", "n_val": 3, "notfound_ok": true,
                "chash_keyfun": ["fun": "chash_std_keyfun", "mod": "riak_core_util"],
            ],
            replicas: 3
        )
        let copy = BucketProperties(stored: properties.stored, replicas: 3)
        #expect(copy == properties)
        #expect(!copy.keepsSiblings)
        let shown = copy.document(name: "b", replicas: 3, levels: .standard)["props"]
        #expect(shown?["name"] == "b")
        #expect(shown?["allow_mult"] == false)
        #expect(shown?["r"] == 1)
        #expect(shown?["dw"] == "all")
        #expect(shown?["w"] == "quorum")
        #expect(shown?["n_val"] == 3)
        try properties.set(["dw": "default"], replicas: 3)
        #expect(properties.levels["dw"] == nil)
        let refused: [JSONValue] = [
            ["n_val": 5], ["last_write_wins": true], ["precommit": ["x"]], ["r": 4], ["w": "most"],
            ["allow_mult": 1], ["search_index": "x"], [1],
        ]
        for given in refused {
            #expect(throws: HTTPFailure.self, "\(given.text)") {
                try properties.set(given, replicas: 3)
            }
        }
    }

    // MARK: Metadata

    @Test("metadata survives its stored form; bytes that are none are the default")
    func metadata() throws {
        let metadata = ObjectMetadata(
            contentType: "text/plain; charset=utf-8",
            contentEncoding: "gzip",
            links: "</buckets/b/keys/k>; riaktag=\"t\"",
            user: [.init("X-Riak-Meta-Foo", "bar"), .init("x-riak-meta-ü", "")]
        )
        #expect(ObjectMetadata(stored: metadata.encoded()) == metadata)
        #expect(ObjectMetadata(stored: nil) == ObjectMetadata())
        #expect(ObjectMetadata(stored: nil).contentType == "application/octet-stream")
        var generator = SeededGenerator(seed: 7)
        for length in 0..<200 {
            let noise = (0..<length).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
            _ = ObjectMetadata(stored: ByteBuffer(bytes: [1] + noise))
            let whole = metadata.encoded()
            let cut = min(length, whole.readableBytes)
            _ = ObjectMetadata(stored: whole.getSlice(at: 0, length: cut))
        }
    }

    @Test("metadata of a request: the type is needed, links lose the one up, indexes are refused")
    func metadataOfRequests() throws {
        let fields: HTTPFields = [
            .contentType: "text/plain", try #require(.init("X-Riak-Meta-A")): "1",
            try #require(.init("Link")):
                "</buckets/b>; rel=\"up\", </buckets/b/keys/k>; riaktag=\"t\"",
        ]
        let metadata = try ObjectMetadata(fields)
        #expect(metadata.user == [.init("X-Riak-Meta-A", "1")])
        #expect(metadata.links == "</buckets/b/keys/k>; riaktag=\"t\"")
        #expect(throws: HTTPFailure(.badRequest, "Missing Content-Type request header")) {
            try ObjectMetadata([:])
        }
        #expect(throws: HTTPFailure.self) {
            try ObjectMetadata([
                .contentType: "a/b", try #require(.init("X-Riak-Index-x_bin")): "1",
            ])
        }
    }

    // MARK: Headers

    @Test("dates have the one form that HTTP has, both ways")
    func dates() throws {
        let text = "Fri, 20 Nov 2026 23:07:32 GMT"
        let wall = try #require(HTTPDate.parse(text))
        #expect(wall == WallTime(milliseconds: 1_795_216_052_000))
        #expect(HTTPDate.format(wall) == text)
        #expect(HTTPDate.format(WallTime(milliseconds: 0)) == "Thu, 01 Jan 1970 00:00:00 GMT")
        #expect(HTTPDate.format(WallTime(milliseconds: .max)).hasSuffix("9999 23:59:59 GMT"))
        for bad in ["", "yesterday", "Fri, 20 Nov 2026 23:07 GMT", "Fri, 40 Nov 2026 23:07:32 GMT"]
        {
            #expect(HTTPDate.parse(bad) == nil, "\(bad)")
        }
    }

    @Test("Accept chooses by quality, the more specific range first")
    func accept() {
        let python = AcceptHeader("multipart/mixed, application/json, */*;q=0.5")
        #expect(python.quality(of: "multipart/mixed") == 1)
        #expect(python.quality(of: "text/plain") == 0.5)
        let narrow = AcceptHeader("text/*;q=0.3, text/html, text/plain;q=0")
        #expect(narrow.quality(of: "text/html; charset=utf-8") == 1)
        #expect(narrow.quality(of: "text/css") == 0.3)
        #expect(narrow.quality(of: "text/plain") == 0)
        #expect(narrow.quality(of: "image/png") == 0)
        #expect(AcceptHeader(nil).quality(of: "image/png") == 1)
    }

    @Test("preconditions, in the order of RFC 9110, section 13.2.2")
    func preconditions() {
        let current = Preconditions.Current(
            tag: "abc",
            modified: WallTime(milliseconds: 1_795_216_052_900)
        )
        let at = "Fri, 20 Nov 2026 23:07:32 GMT"
        let before = "Fri, 20 Nov 2026 23:07:31 GMT"
        typealias Case = (HTTPFields, Preconditions.Verdict, Preconditions.Verdict)
        let cases: [Case] = [
            ([:], .goOn, .goOn),
            ([.ifMatch: "\"abc\""], .goOn, .goOn),
            ([.ifMatch: "*"], .goOn, .goOn),
            ([.ifMatch: "\"x\", \"y\""], .failed, .failed),
            ([.ifNoneMatch: "\"x\", W/\"abc\""], .notModified, .failed),
            ([.ifNoneMatch: "abc"], .notModified, .failed),
            ([.ifNoneMatch: "*"], .notModified, .failed),
            ([.ifNoneMatch: "\"x\""], .goOn, .goOn),
            ([.ifModifiedSince: at], .notModified, .goOn),
            ([.ifModifiedSince: before], .goOn, .goOn),
            ([.ifUnmodifiedSince: at], .goOn, .goOn),
            ([.ifUnmodifiedSince: before], .failed, .failed),
            ([.ifMatch: "\"abc\"", .ifUnmodifiedSince: before], .goOn, .goOn),
            ([.ifNoneMatch: "\"x\"", .ifModifiedSince: at], .goOn, .goOn),
            ([.ifModifiedSince: "nonsense"], .goOn, .goOn),
        ]
        for (fields, read, write) in cases {
            let conditions = Preconditions(fields)
            #expect(conditions.verdict(current, isRead: true) == read, "\(fields)")
            #expect(conditions.verdict(current, isRead: false) == write, "\(fields)")
        }
        #expect(Preconditions([.ifMatch: "*"]).verdict(nil, isRead: false) == .failed)
        #expect(Preconditions([.ifNoneMatch: "*"]).verdict(nil, isRead: false) == .goOn)
        #expect(Preconditions([.ifNoneMatch: "*"]).wantsAbsent)
        #expect(!Preconditions([.ifNoneMatch: "*"]).needsRead)
        #expect(Preconditions([.ifNoneMatch: "\"a\""]).needsRead)
    }

    @Test("a vclock header belongs to its key and survives a client that decodes and encodes it")
    func vclock() throws {
        let key = StoredKey(bucket: bytes("b"), key: bytes("k"))
        let dot = Dot(actor: ActorID(rawValue: 0xFEDC_BA98_7654_3210), counter: 300)
        let vector = VersionVector(sorted: [dot])
        let text = VclockHeader.text(vector, of: key)
        #expect(text.utf8.count % 4 == 0)
        #expect(!text.contains("-") && !text.contains("_"))
        #expect(try VclockHeader.vector(text, of: key) == vector)
        let other = StoredKey(bucket: bytes("b"), key: bytes("other"))
        #expect(throws: HTTPFailure.self) { try VclockHeader.vector(text, of: other) }
        #expect(throws: HTTPFailure.self) { try VclockHeader.vector("nonsense", of: key) }
    }

    @Test("tags have 22 characters, differ for each dot, and say nothing else")
    func tags() {
        let tag = ObjectTag.of(Dot(actor: ActorID(rawValue: .max), counter: .max))
        #expect(tag.utf8.count == 22)
        let one = ObjectTag.of(Dot(actor: ActorID(rawValue: 1), counter: 2))
        let two = ObjectTag.of(Dot(actor: ActorID(rawValue: 2), counter: 1))
        #expect(one != two)
        #expect(ObjectTag.random() != ObjectTag.random())
        #expect(ObjectTag.random().utf8.count == 27)
    }

    // MARK: JSON

    @Test("JSON is written in order and read in any")
    func json() throws {
        let value: JSONValue = [
            "z": [1, "a\"\\\n\u{1}ü", true], "a": ["x": 2], "d": .double(0.5), "n": .null,
        ]
        let text = "{\"z\":[1,\"a\\\"\\\\\\n\\u0001ü\",true],\"a\":{\"x\":2},\"d\":0.5,\"n\":null}"
        #expect(value.text == text)
        let read = try #require(JSONValue(parsing: text.utf8))
        #expect(read["z"] == value["z"])
        #expect(read["a"] == value["a"])
        #expect(read["d"] == value["d"])
        #expect(JSONValue(parsing: "{".utf8) == nil)
        #expect(JSONValue(parsing: String(repeating: "[", count: 100_000).utf8) == nil)
        #expect(JSONValue.bytes([0xFF, 0x00]).text == "{\"base64\":\"/wA=\"}")
        #expect(JSONValue.bytes("ü".utf8) == "ü")
    }
}

import HengeRing

import struct NIOCore.ByteBuffer

extension ByteBuffer {
    /// Records, tagged: u64; buckets; others; key, value and sibling histograms; largest, most
    /// siblings. Lists begin with their count: u32. The population is not told.
    mutating func writeSample(_ sample: RecordSample) {
        writeInteger(UInt64(clamping: sample.records))
        writeInteger(UInt64(clamping: sample.tagged))
        writeInteger(UInt32(sample.buckets.count))
        for bucket in sample.buckets {
            writeBytes(ByteBuffer(bytes: bucket.name))
            writeLoad(bucket.load)
        }
        writeLoad(sample.otherBuckets)
        for histogram in [sample.keyBytes, sample.valueBytes, sample.siblings] {
            writeInteger(UInt32(histogram.counts.count))
            for count in histogram.counts { writeInteger(UInt64(clamping: count)) }
        }
        for list in [sample.largest, sample.mostSiblings] {
            writeInteger(UInt32(list.count))
            for record in list {
                writeBytes(ByteBuffer(bytes: record.bucket))
                writeBytes(ByteBuffer(bytes: record.key))
                writeInteger(UInt64(clamping: record.bytes))
                writeInteger(UInt64(clamping: record.siblings))
            }
        }
    }

    mutating func readSample() throws(WireDecodeError) -> RecordSample {
        var sample = RecordSample()
        sample.records = try readSampleNumber()
        sample.tagged = try readSampleNumber()
        let buckets = Int(try field(UInt32.self))
        guard buckets <= RecordSample.bucketsMax else { throw .invalidField("buckets") }
        for _ in 0..<buckets {
            let name = Array(buffer: try readBytesField())
            guard name.count <= StoredKey.bucketLengthMax else { throw .invalidField("bucket") }
            sample.buckets.append(RecordSample.Bucket(name: name, load: try readLoad()))
        }
        sample.otherBuckets = try readLoad()
        sample.keyBytes = try readHistogram()
        sample.valueBytes = try readHistogram()
        sample.siblings = try readHistogram()
        sample.largest = try readSampleRecords()
        sample.mostSiblings = try readSampleRecords()
        return sample
    }

    /// Sums of such over all nodes stay numbers.
    private mutating func readSampleNumber() throws(WireDecodeError) -> Int {
        let number = try field(UInt64.self)
        guard number <= 1 << 42 else { throw .invalidField("sample") }
        return Int(number)
    }

    private mutating func readHistogram() throws(WireDecodeError) -> BinaryHistogram {
        let count = Int(try field(UInt32.self))
        guard count <= BinaryHistogram.classesMax else { throw .invalidField("histogram") }
        var counts: [Int] = []
        for _ in 0..<count { counts.append(try readSampleNumber()) }
        guard let histogram = BinaryHistogram(counts: counts) else {
            throw .invalidField("histogram")
        }
        return histogram
    }

    private mutating func readSampleRecords() throws(WireDecodeError) -> [RecordSample.Record] {
        let count = Int(try field(UInt32.self))
        guard count <= RecordSample.recordsMax else { throw .invalidField("records") }
        var records: [RecordSample.Record] = []
        for _ in 0..<count {
            let bucket = Array(buffer: try readBytesField())
            let key = Array(buffer: try readBytesField())
            guard bucket.count <= StoredKey.bucketLengthMax, key.count <= RecordSample.keyBytesMax
            else { throw .invalidField("record") }
            let bytes = try readSampleNumber()
            records.append(
                RecordSample.Record(
                    bucket: bucket,
                    key: key,
                    bytes: bytes,
                    siblings: try readSampleNumber()
                )
            )
        }
        return records
    }
}

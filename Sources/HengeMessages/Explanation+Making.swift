package import HengeCausality

extension Explanation.Version {
    package init(_ object: EncodedObject) {
        self.init(
            digest: VersionDigest(of: object),
            siblings: UInt32(clamping: object.siblingCount),
            bytes: UInt32(clamping: object.bytes.readableBytes)
        )
    }
}

extension Explanation.Finding {
    package init(_ result: FetchResult) {
        switch result {
        case .object(nil), .digest(.absent): self = .absent
        case .object(let object?): self = .object(Explanation.Version(object))
        case .digest(let digest): self = .digest(digest)
        case .failed(let failure): self = .failed(failure)
        case .overloaded: self = .overloaded
        }
    }
}

extension Explanation.Leg {
    /// When the answer was given; nil where it was not.
    package var replied: Explanation.Step? {
        steps.first { step in
            if case .replies = step.event { true } else { false }
        }
    }
}

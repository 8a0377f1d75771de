import HengeBase
import HengeMessages
import HengeRing

/// Random messages of partition transfers.
extension SeededGenerator {
    mutating func anyTransferRequest() -> TransferRequest {
        TransferRequest(
            partition: below(65_536),
            from: anyTokenOrNone(),
            bytesMax: 1 + below(1 << 20),
            epoch: next()
        )
    }

    mutating func anyTransferResult() -> TransferResult {
        switch below(6) {
        case 0: .staleRing(epoch: next())
        case 1: .overloaded
        case 2: .failed(anyFailure())
        default: .page(anyTransferPage())
        }
    }

    private mutating func anyTransferPage() -> TransferPage {
        let skipped = (0..<below(3)).map { _ in
            let tokens = [next(), next()].sorted()
            return Token(rawValue: tokens[0])...Token(rawValue: tokens[1])
        }
        return TransferPage(
            records: (0..<below(4)).map { _ in
                HandedRecord(key: anyKey(), object: anyObject())
            },
            next: anyTokenOrNone(),
            skipped: skipped,
            keysLeft: below(1_000_000),
            bytesLeft: below(1_000_000_000)
        )
    }

    private mutating func anyTokenOrNone() -> Token? {
        chance(1, in: 3) ? nil : Token(rawValue: next())
    }
}

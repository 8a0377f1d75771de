/// What is wrong with a bootstrap list. Positions of entries count from 1.
package enum BootstrapError: Error, Hashable, CustomStringConvertible {
    case empty
    case emptyEntry(position: Int)
    case missingAddress(entry: String, position: Int)
    case invalidName(String, position: Int)
    case invalidAddress(String, name: String)
    case unknownOption(String, name: String)
    case repeatedOption(String, name: String)
    case invalidZone(String, name: String)
    case invalidWeight(String, name: String)
    case duplicateName(String)
    case duplicateAddress(String, String, String)
    case tooManyMembers(Int)

    package var description: String {
        switch self {
        case .empty:
            "The bootstrap list is empty; it should look like n1=10.0.0.1:7401,n2=10.0.0.2:7401."
        case .emptyEntry(let position):
            "Entry \(position) of the bootstrap list is empty."
        case .missingAddress(let entry, let position):
            "Entry \(position) of the bootstrap list, \"\(entry)\", has no =host:port."
        case .invalidName(let name, let position):
            "Entry \(position) of the bootstrap list has the name \"\(name)\"; "
                + "a name is 1 to 64 of A-Z a-z 0-9 . _ -."
        case .invalidAddress(let address, let name):
            "\(name) has the address \"\(address)\" in the bootstrap list; "
                + "it should be host:port with a port from 1 to 65535."
        case .unknownOption(let option, let name):
            "\(name) has the option \"\(option)\" in the bootstrap list; "
                + "only zone=NAME and weight=NUMBER exist."
        case .repeatedOption(let option, let name):
            "\(name) has the option \(option) twice in the bootstrap list."
        case .invalidZone(let zone, let name):
            "\(name) has the zone \"\(zone)\" in the bootstrap list; "
                + "a zone is 1 to 64 of A-Z a-z 0-9 . _ -."
        case .invalidWeight(let weight, let name):
            "\(name) has the weight \"\(weight)\" in the bootstrap list; "
                + "a weight is a whole number from 1 to 1000."
        case .duplicateName(let name):
            "\(name) stands twice in the bootstrap list."
        case .duplicateAddress(let address, let a, let b):
            "\(a) and \(b) have the same address in the bootstrap list, \(address)."
        case .tooManyMembers(let count):
            "The bootstrap list has \(count) members; at most \(Member.countMax) are possible."
        }
    }
}

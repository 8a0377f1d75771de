import HengeCommand

/// The executable and no more: it is linked with Swift's libraries in it, which tests can't be, so
/// what is tested is in a target of its own.
@main
struct HengeProgram {
    static func main() async {
        await runCommandLine()
    }
}

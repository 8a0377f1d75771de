@main struct Henge { static func main() {} }

import HengeRESP

/// `HENGE.OVERVIEW`
extension ClientSession {
    func overview(_ command: RESPCommand) {
        hub.driver.clusterWatch.overview(replying { (tree: ReplyTree) in .success(tree) })
    }
}

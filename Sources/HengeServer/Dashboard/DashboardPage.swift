import HTTPTypes
import Hummingbird

/// The page that shows the cluster. Its parts are files under `page`, which the build puts into the
/// program, so that an installed henge needs no files beside it.
enum DashboardPage {
    /// Not the page's own styles and scripts alone are refused without the nonce: everything is,
    /// but for what comes from this node.
    ///
    /// Objects of clients have the same origin, so `'self'` would not do for scripts.
    private static func policy(_ nonce: String) -> String {
        "default-src 'none'; script-src 'nonce-\(nonce)'; style-src 'nonce-\(nonce)'; "
            + "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
            + "frame-ancestors 'none'"
    }

    private static let styles = [PackageResources.page_css, PackageResources.panels_css]

    /// In the order in which they need each other.
    private static let scripts = [
        PackageResources.basics_js, PackageResources.ring_js, PackageResources.charts_js,
        PackageResources.nodes_js, PackageResources.work_js, PackageResources.heat_js,
        PackageResources.lookup_js, PackageResources.live_js,
    ]

    private static let reading = Page(styles: styles, panel: [], scripts: scripts)
    private static let acting = Page(
        styles: styles + [PackageResources.actions_css],
        panel: [PackageResources.actions_html],
        // Before the last, which begins.
        scripts: scripts.dropLast() + [PackageResources.actions_js] + scripts.suffix(1)
    )

    /// All but the nonce, which is another each time.
    private struct Page {
        let text: String

        init(styles: [[UInt8]], panel: [[UInt8]], scripts: [[UInt8]]) {
            text = DashboardPage.text([PackageResources.page_html])
                .replacing("{styles}", with: DashboardPage.text(styles))
                .replacing("{actions}", with: DashboardPage.text(panel))
                .replacing("{scripts}", with: DashboardPage.text(scripts))
        }
    }

    private static func text(_ files: [[UInt8]]) -> String {
        files.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "\n")
    }

    /// - Parameter withActions: whether the page has the controls that change something; else it
    ///   has nothing of them.
    static func response(withActions: Bool) -> Response {
        let nonce = hexadecimal(.random(in: 0 ... .max), .random(in: 0 ... .max))
        let page = (withActions ? acting : reading).text.replacing("{nonce}", with: nonce)
        var response = Response.text(page, type: "text/html; charset=utf-8")
        response.headers[.contentSecurityPolicy] = policy(nonce)
        response.headers[.cacheControl] = "no-store"
        response.headers[.vary] = "Accept"
        if let name = HTTPField.Name("Referrer-Policy") { response.headers[name] = "same-origin" }
        return response
    }
}

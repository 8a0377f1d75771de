/// The style of every page.
enum PageStyle {
    /// Okabe and Ito, *Color Universal Design*, 2008: eight colours that people with any colour
    /// vision tell apart, in the order of the terminal's. Nothing is told by colour alone.
    static let nodeColors = [
        "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7", "#999999",
    ]

    /// The class of the n-th node's colour.
    static func nodeClass(_ index: Int) -> String { "n\(index % nodeColors.count)" }

    static let text: String = {
        var style = base
        for (index, color) in nodeColors.enumerated() {
            style += ".n\(index){fill:\(color);background:\(color)}"
        }
        return style
    }()

    private static let base = """
        :root{color-scheme:light dark;--paper:#fff;--card:#f5f6f8;--ink:#1b1f24;--soft:#57606a;\
        --line:#c9ced6;--bar:#0072B2;--mark:#1b1f24;--bad:#b34700}
        @media (prefers-color-scheme:dark){:root{--paper:#14171b;--card:#1e2329;--ink:#e8eaed;\
        --soft:#a4adb8;--line:#3d454f;--bar:#56B4E9;--mark:#fff;--bad:#ff9d57}}
        *{box-sizing:border-box}
        body{margin:0;background:var(--paper);color:var(--ink);\
        font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
        main{max-width:1120px;margin:0 auto;padding:20px 16px 48px}
        h1{font-size:1.55rem;margin:0}h2{font-size:1.12rem;margin:0 0 6px}
        section{margin-top:34px}.sub,.note,figcaption,.tile span{color:var(--soft)}
        .sub{margin:4px 0 0}.note{margin:0 0 10px;font-size:.9rem}
        .tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(118px,1fr));gap:10px;\
        margin-top:18px}
        .tile{background:var(--card);border:1px solid var(--line);border-radius:8px;\
        padding:10px 12px}
        .tile b{display:block;font-size:1.3rem;font-variant-numeric:tabular-nums;line-height:1.25}
        .tile span{font-size:.84rem}
        .figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,330px),1fr));\
        gap:18px;align-items:start}
        figure{margin:0;background:var(--card);border:1px solid var(--line);border-radius:8px;\
        padding:12px;break-inside:avoid;min-width:0}
        figcaption{font-size:.9rem;margin-bottom:6px}
        svg{display:block;width:100%;height:auto}svg text{fill:var(--ink);font-size:12px}
        svg.broad{min-width:620px}\
        svg text.soft{fill:var(--soft)}svg .bar{fill:var(--bar)}svg .mark{stroke:var(--mark);\
        stroke-width:2}svg .axis{stroke:var(--line)}svg .edge{stroke:var(--paper);stroke-width:.4}
        .scroll{overflow-x:auto;max-width:100%}
        table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
        th{font-weight:600;color:var(--soft);font-size:.84rem;vertical-align:bottom}
        th,td{text-align:right;padding:4px 8px;border-bottom:1px solid var(--line);\
        white-space:nowrap}
        th.l,td.l{text-align:left}td.k{overflow-wrap:anywhere;white-space:normal;min-width:9em}
        td.wide{width:32%;min-width:130px}td.wide svg{height:14px}
        ul{margin:0;padding-left:1.2em}li{margin:3px 0}li.bad::marker{color:var(--bad)}
        li.bad{font-weight:600}
        .key{display:inline-block;min-width:1.5em;padding:0 .3em;margin-right:.5em;\
        border-radius:4px;color:#000;text-align:center;font-weight:700;font-size:.84rem}
        .key.n4{color:#fff}
        .legend{display:flex;flex-wrap:wrap;gap:4px 14px;margin-top:8px;font-size:.9rem}
        @media print{:root{--paper:#fff;--card:#fff;--ink:#000;--soft:#333;--line:#999;\
        --bar:#0072B2;--mark:#000}body{font-size:11px}main{max-width:none;padding:0}\
        section{break-inside:avoid-page;margin-top:18px}.scroll{overflow:visible}\
        *{print-color-adjust:exact;-webkit-print-color-adjust:exact}}

        """
}

//! A document as one HTML file: its pictures are in it, it asks nothing of any server, it has no script.
//! Printed, it has margins, and nothing is cut by the end of a page that need not be.

use std::fmt::Write as _;

use super::blocks::{Block, Column, Document, Value};
use super::markdown::plain_lines;
use crate::figure::Theme;
use crate::text::{Face, escaped};

/// Width of a picture that is as wide as the page.
const WIDE: f64 = 900.0;

const STYLE: &str = "\
:root{color-scheme:light}\
body{font:15px/1.5 Inter,system-ui,-apple-system,'Segoe UI',Roboto,sans-serif;color:#14202a;background:#fff;\
max-width:920px;margin:0 auto;padding:24px 16px 48px}\
h1{font-size:28px;margin:0 0 4px}h2{font-size:20px;margin:32px 0 8px;border-bottom:1px solid #e6ebee;padding-bottom:4px}\
h2.within{font-size:17px;margin-top:20px;border-bottom:0}\
h3{font-size:15px;margin:20px 0 6px}.when,.source,footer{color:#53626d;font-size:13px}\
.source{overflow-wrap:anywhere;margin:4px 0 0}.source code{font-size:12px}\
dl{display:grid;grid-template-columns:repeat(auto-fill,minmax(190px,1fr));gap:12px;margin:12px 0}\
dl div{border:1px solid #e6ebee;border-radius:6px;padding:8px 12px}dt{color:#53626d;font-size:13px}\
dd{margin:0;font-size:18px;font-weight:600;overflow-wrap:anywhere}\
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:13px;margin:8px 0}\
th,td{text-align:left;padding:5px 8px;border-bottom:1px solid #e6ebee;vertical-align:top;overflow-wrap:anywhere}\
th{font-weight:600;color:#53626d}.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}\
figure{margin:12px 0;break-inside:avoid}figure svg{max-width:100%;height:auto;border:1px solid #e6ebee;border-radius:6px}\
.row{display:flex;flex-wrap:wrap;gap:12px}.row figure{margin:0}\
.missing{color:#9a6700}\
@page{size:A4;margin:16mm 14mm}\
@media print{body{padding:0;max-width:none}h2,h3{break-after:avoid}tr,dl div{break-inside:avoid}thead{display:table-header-group}.wide{overflow:visible}}";

/// The file.
pub fn write(document: &Document) -> String {
    let mut out = String::with_capacity(64 << 10);
    let title = escaped(&document.title);
    // Writing to a text cannot fail.
    let _always = write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n\
         <p class=\"when\">{} ({}) · {}</p>\n",
        escaped(&document.period),
        escaped(&document.timezone),
        escaped(&document.host)
    );
    for part in &document.parts {
        let _always = writeln!(out, "<section>");
        if !part.title.is_empty() {
            let class = if part.is_within { " class=\"within\"" } else { "" };
            let _always = writeln!(out, "<h2{class}>{}</h2>", escaped(&part.title));
        }
        let mut in_row = false;
        for b in &part.blocks {
            let is_narrow = matches!(b, Block::Picture(p) if p.width < 1.0);
            if is_narrow != in_row {
                out.push_str(if is_narrow { "<div class=\"row\">\n" } else { "</div>\n" });
                in_row = is_narrow;
            }
            block(&mut out, b);
        }
        out.push_str(if in_row { "</div>\n</section>\n" } else { "</section>\n" });
    }
    let _always = write!(
        out,
        "</main>\n<footer><p>Made by Plimsoll {} at {}.</p></footer>\n</body>\n</html>\n",
        escaped(&document.version),
        escaped(&document.made)
    );
    out
}

fn source(out: &mut String, text: &str) {
    if !text.is_empty() {
        let _always =
            writeln!(out, "<p class=\"source\">Source: <code>{}</code></p>", escaped(text));
    }
}

fn block(out: &mut String, block: &Block) {
    match block {
        Block::Words(text) => out.push_str(&html_lines(text)),
        Block::Missing(why) => {
            let _always = writeln!(out, "<p class=\"missing\">Missing: {}</p>", escaped(why));
        }
        Block::Facts(facts) => {
            out.push_str("<dl>\n");
            for f in facts {
                let _always = writeln!(
                    out,
                    "<div title=\"{}\"><dt>{}</dt><dd>{}</dd></div>",
                    escaped(&f.source),
                    escaped(&f.label),
                    escaped(&f.value.text)
                );
            }
            out.push_str("</dl>\n");
            let mut sources: Vec<&str> = facts.iter().map(|f| f.source.as_str()).collect();
            sources.dedup();
            sources.iter().for_each(|s| source(out, s));
        }
        Block::Table { title, columns, rows, left_out, source: from } => {
            if !title.is_empty() {
                let _always = writeln!(out, "<h3>{}</h3>", escaped(title));
            }
            table(out, columns, rows);
            if *left_out > 0 {
                let _always = writeln!(out, "<p>And {left_out} more.</p>");
            }
            source(out, from);
        }
        Block::Picture(picture) => {
            let wide = (WIDE * picture.width - 12.0).max(200.0);
            let scene = picture.figure.draw(wide, picture.height, Theme::Light);
            out.push_str("<figure>\n");
            out.push_str(&scene.svg());
            picture.sources.iter().for_each(|s| source(out, s));
            out.push_str("</figure>\n");
        }
    }
}

fn table(out: &mut String, columns: &[Column], rows: &[Vec<Value>]) {
    let class = |c: &Column| if c.is_number { " class=\"n\"" } else { "" };
    out.push_str("<div class=\"wide\"><table>\n<thead><tr>");
    for c in columns {
        let _always = write!(out, "<th scope=\"col\"{}>{}</th>", class(c), escaped(&c.name));
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for row in rows {
        out.push_str("<tr>");
        for (c, v) in columns.iter().zip(row) {
            let _always = write!(out, "<td{}>{}</td>", class(c), escaped(&v.text));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody>\n</table></div>\n");
}

/// Words as HTML.
pub fn html_lines(text: &str) -> String {
    let mut out = String::new();
    let mut in_list = false;
    for (l, face) in plain_lines(text) {
        let item = l.strip_prefix("• ");
        if item.is_some() != in_list {
            in_list = item.is_some();
            out.push_str(if in_list { "<ul>\n" } else { "</ul>\n" });
        }
        let _always = match (item, face) {
            (Some(item), _) => writeln!(out, "<li>{}</li>", escaped(item)),
            (None, Face::Bold) => writeln!(out, "<h3>{}</h3>", escaped(&l)),
            (None, Face::Regular) => writeln!(out, "<p>{}</p>", escaped(&l)),
        };
    }
    if in_list {
        out.push_str("</ul>\n");
    }
    out
}

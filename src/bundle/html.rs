//! The handling as one page for a browser: no scripts, nothing fetched from anywhere, readable by everybody.

use super::bag::BagInput;
use super::handling::{self, Sheet};
use super::pdf::{PdfError, text};

/// Text at least 7:1 against its ground (WCAG 2.2 AAA), one column, readable at any width and on paper.
const STYLE: &str = "\
:root{color-scheme:light}
body{margin:0;background:#fff;color:#1a1a1a;font:1.0625rem/1.55 system-ui,'Segoe UI',Roboto,'Noto Sans',sans-serif;\
overflow-wrap:anywhere}
main,footer{max-width:50rem;margin:0 auto;padding:0 1.25rem}
h1{font-size:1.75rem;line-height:1.25;margin:2rem 0 1rem}
h2{font-size:1.25rem;margin:2.25rem 0 .75rem;padding-bottom:.25rem;border-bottom:1px solid #767f88}
dl{margin:0}
dl>div{display:grid;grid-template-columns:12rem minmax(0,1fr);gap:0 1rem;padding:.3rem 0}
dt{color:#454b52}
dd,blockquote{margin:0;white-space:pre-wrap;unicode-bidi:plaintext}
blockquote{background:#f1f3f5;border-left:.25rem solid #767f88;padding:.75rem 1rem;margin:.5rem 0 1rem;font-size:1.1875rem}
a{color:#0b4a8f}
footer{margin-top:3rem;padding-top:1rem;padding-bottom:2rem;border-top:1px solid #767f88;color:#454b52;font-size:.9375rem}
@media (max-width:40rem){dl>div{grid-template-columns:minmax(0,1fr)}}
@media print{body{font-size:10pt}a{color:inherit;text-decoration:none}}
";

/// The record as a page.
///
/// # Errors
/// As [`PdfError`].
pub fn handling(input: &BagInput) -> Result<Vec<u8>, PdfError> {
    let mut page = Page::default();
    let frame = handling::fill(&mut page, input)?;
    page.end_list();
    let (title, foot, body) = (escaped(&frame.title), escaped(&frame.foot), page.body);
    let page = format!(
        "<!doctype html>\n<html lang=\"sv\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n<title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n\
         <body>\n<main>\n{body}</main>\n<footer>{foot}</footer>\n</body>\n</html>\n"
    );
    Ok(page.into_bytes())
}

/// A page that is being filled.
#[derive(Default)]
struct Page {
    body: String,
    /// Whether a list of facts is open.
    list: bool,
}

impl Page {
    fn end_list(&mut self) {
        if std::mem::take(&mut self.list) {
            self.body.push_str("</dl>\n");
        }
    }

    fn block(&mut self, tag: &str, attributes: &str, text: &str) {
        self.end_list();
        for part in ["<", tag, attributes, ">", &escaped(text), "</", tag, ">\n"] {
            self.body.push_str(part);
        }
    }

    /// A fact whose name is HTML already.
    fn named(&mut self, name: &str, value: &str) {
        if !std::mem::replace(&mut self.list, true) {
            self.body.push_str("<dl>\n");
        }
        for part in ["<div><dt>", name, "</dt><dd dir=\"auto\">", &escaped(value), "</dd></div>\n"] {
            self.body.push_str(part);
        }
    }
}

impl Sheet for Page {
    fn title(&mut self, text: &str) {
        self.block("h1", "", text);
    }

    fn heading(&mut self, text: &str) {
        self.block("h2", "", text);
    }

    fn paragraph(&mut self, text: &str) {
        self.block("p", "", text);
    }

    fn fact(&mut self, name: &str, value: &str) {
        self.named(&escaped(name), value);
    }

    fn quote(&mut self, text: &str) {
        self.block("blockquote", " dir=\"auto\"", text);
    }

    fn file(&mut self, path: &str, value: &str) {
        let name = escaped(path);
        if path.starts_with("media/") {
            // Beside this page in the bag, and in the web archive under the same name.
            self.named(&format!("<a href=\"../{name}\">{name}</a>"), value);
        } else {
            self.named(&name, value);
        }
    }
}

/// Text that means nothing in HTML, with what cannot be seen written out, as on paper.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text::visible(text).chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            _ => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_wrote_is_never_markup_and_what_cannot_be_seen_is_written_out() {
        for (text, expected) in [
            ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
            ("\"' onload=x", "&quot;&#39; onload=x"),
            ("&lt;", "&amp;lt;"),
            ("i\u{200b}diot\u{202e}", "i[U+200B]diot[U+202E]"),
            ("Ärligt? ❤️\nrad två", "Ärligt? ❤️\nrad två"),
        ] {
            assert_eq!(escaped(text), expected);
        }
    }

    #[test]
    fn facts_stand_in_one_list_and_files_are_linked_only_where_the_link_leads() {
        let mut page = Page::default();
        page.fact("Namn", "a");
        page.file("media/x.png", "b");
        page.file("api/1.json", "c");
        page.paragraph("slut");
        assert_eq!(
            page.body,
            "<dl>\n<div><dt>Namn</dt><dd dir=\"auto\">a</dd></div>\n\
             <div><dt><a href=\"../media/x.png\">media/x.png</a></dt><dd dir=\"auto\">b</dd></div>\n\
             <div><dt>api/1.json</dt><dd dir=\"auto\">c</dd></div>\n</dl>\n<p>slut</p>\n"
        );
    }
}

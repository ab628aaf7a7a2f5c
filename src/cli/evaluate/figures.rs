//! Curves as SVG: a person would rather look than read.

use std::fmt::Write;

use super::stats::{calibration_error, precision_recall, reliability};

/// Scores of one category or head, and what each text was.
pub(super) struct Scored {
    /// What stands above the panel.
    pub(super) name: String,
    /// Score from 0 to 1, and whether the text is such.
    pub(super) points: Vec<(f64, bool)>,
    /// Where the system works: name, recall, precision.
    pub(super) working: Vec<(String, f64, f64)>,
}

const SIDE: f64 = 240.0;
const LEFT: f64 = 52.0;
const TOP: f64 = 64.0;
const STEP: f64 = 320.0;
const DOWN: f64 = 350.0;
const ACROSS: usize = 2;

const STYLE: &str = "text{font:13px sans-serif;fill:#222}.t{font-size:17px;font-weight:600}.n{font-weight:600}\
    .a{fill:#555;font-size:12px}.g{stroke:#e2e2e2}.x{stroke:#333;fill:none}.l{stroke:#0b5394;stroke-width:2;fill:none}\
    .d{stroke:#999;stroke-dasharray:4 4}.b{fill:#9fc5e8}.p{fill:#b45f06}.q{fill:#0b5394}";

/// Precision against recall, one panel each.
pub(super) fn precision_recall_svg(title: &str, all: &[Scored]) -> String {
    page(title, all, |svg, scored, left, top| {
        axes(svg, left, top, "recall", "precision");
        let curve = precision_recall(&scored.points);
        let path: Vec<String> = curve
            .iter()
            .map(|(recall, precision)| {
                format!("{:.1},{:.1}", left + recall * SIDE, top + (1.0 - precision) * SIDE)
            })
            .collect();
        let _ = write!(svg, "<polyline class=\"l\" points=\"{}\"/>", path.join(" "));
        for (at, (name, recall, precision)) in scored.working.iter().enumerate() {
            let (x, y) = (left + recall * SIDE, top + (1.0 - precision) * SIDE);
            let class = if at == 0 { "p" } else { "q" };
            let _ = write!(svg, "<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"5\"/>");
            let _ = write!(
                svg,
                "<text class=\"a\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
                (x + 8.0).min(left + SIDE - 56.0),
                if at == 0 { y - 8.0 } else { y + 17.0 },
                escape(name)
            );
        }
    })
}

/// What was said against what was so, one panel each; the width of a bar's shade is no figure, its number is.
pub(super) fn reliability_svg(title: &str, all: &[Scored]) -> String {
    page(title, all, |svg, scored, left, top| {
        let bins = reliability(&scored.points);
        for bin in &bins {
            let height = bin.was * SIDE;
            let x = left + (bin.said * 10.0).floor().min(9.0) * SIDE / 10.0;
            let _ = write!(
                svg,
                "<rect class=\"b\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{height:.1}\"/>",
                x + 1.0,
                top + SIDE - height,
                SIDE / 10.0 - 2.0
            );
        }
        axes(svg, left, top, "probability said", "share that was so");
        let _ = write!(
            svg,
            "<line class=\"d\" x1=\"{left}\" y1=\"{}\" x2=\"{}\" y2=\"{top}\"/>",
            top + SIDE,
            left + SIDE
        );
        for bin in &bins {
            let (x, y) = (left + bin.said * SIDE, top + (1.0 - bin.was) * SIDE);
            let _ = write!(svg, "<circle class=\"q\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\"/>");
        }
        if let Some(error) = calibration_error(&bins) {
            let _ = write!(
                svg,
                "<text class=\"a\" x=\"{:.1}\" y=\"{:.1}\">mean distance {error:.3}</text>",
                left + 8.0,
                top + 16.0
            );
        }
    })
}

fn page(title: &str, all: &[Scored], panel: impl Fn(&mut String, &Scored, f64, f64)) -> String {
    #[expect(clippy::cast_precision_loss, reason = "a handful of panels")]
    let place = |at: usize| ((at % ACROSS) as f64 * STEP + LEFT, (at / ACROSS) as f64 * DOWN + TOP);
    let (_, last) = place(all.len().saturating_sub(1));
    let (width, height) = (STEP * 2.0 + 20.0, last + SIDE + 60.0);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         height=\"{height}\" role=\"img\"><title>{0}</title><style>{STYLE}</style><rect width=\"100%\" height=\"100%\" \
         fill=\"#fff\"/><text class=\"t\" x=\"{LEFT}\" y=\"26\">{0}</text>",
        escape(title)
    );
    for (at, scored) in all.iter().enumerate() {
        let (left, top) = place(at);
        let positives = scored.points.iter().filter(|point| point.1).count();
        let _ = write!(
            svg,
            "<text class=\"n\" x=\"{left}\" y=\"{}\">{} ({positives} of {})</text>",
            top - 10.0,
            escape(&scored.name),
            scored.points.len()
        );
        panel(&mut svg, scored, left, top);
    }
    svg.push_str("</svg>\n");
    svg
}

fn axes(svg: &mut String, left: f64, top: f64, across: &str, up: &str) {
    for tenth in [0.0, 0.2, 0.4, 0.6, 0.8, 1.0] {
        let (x, y) = (left + tenth * SIDE, top + (1.0 - tenth) * SIDE);
        let _ = write!(
            svg,
            "<line class=\"g\" x1=\"{left}\" y1=\"{y:.1}\" x2=\"{:.1}\" y2=\"{y:.1}\"/><text class=\"a\" x=\"{:.1}\" \
             y=\"{:.1}\" text-anchor=\"end\">{tenth:.1}</text><text class=\"a\" x=\"{x:.1}\" y=\"{:.1}\" \
             text-anchor=\"middle\">{tenth:.1}</text>",
            left + SIDE,
            left - 6.0,
            y + 4.0,
            top + SIDE + 16.0
        );
    }
    let _ = write!(
        svg,
        "<rect class=\"x\" x=\"{left}\" y=\"{top}\" width=\"{SIDE}\" height=\"{SIDE}\"/><text class=\"a\" \
         x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{across}</text><text class=\"a\" text-anchor=\"middle\" \
         transform=\"translate({:.1},{:.1}) rotate(-90)\">{up}</text>",
        left + SIDE / 2.0,
        top + SIDE + 34.0,
        left - 36.0,
        top + SIDE / 2.0
    );
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_has_a_panel_for_each_and_escapes_what_it_is_given() {
        let scored = |name: &str| Scored {
            name: name.to_owned(),
            points: vec![(0.9, true), (0.4, false), (0.3, true)],
            working: vec![("rules".to_owned(), 0.5, 1.0)],
        };
        let all = [scored("a<b"), scored("c"), scored("d")];
        for svg in [precision_recall_svg("R & D", &all), reliability_svg("R & D", &all)] {
            assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
            assert_eq!(svg.matches("class=\"n\"").count(), 3);
            assert!(svg.contains("a&lt;b (2 of 3)") && svg.contains("R &amp; D") && !svg.contains("a<b"));
            assert!(!svg.contains("NaN"));
        }
    }
}

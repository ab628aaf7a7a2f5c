//! Text for a page: which font has which sign, in which direction it runs, and where a line may end.
//!
//! Nothing that somebody wrote disappears on paper: a sign that no font has, and one that would be invisible or would
//! turn the order of others (a bidirectional control, a zero-width space), is written out as [U+202E].

use std::ops::Range;
use std::sync::LazyLock;

use krilla::text::{Font, GlyphId, KrillaGlyph};
use rustybuzz::{Direction, Face, UnicodeBuffer};
use unicode_bidi::{BidiInfo, Level};
use unicode_linebreak::{BreakOpportunity, linebreaks};
use unicode_segmentation::UnicodeSegmentation;

/// How heavy the letters are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    /// As running text.
    Regular,
    /// As headings.
    Bold,
}

/// A font, once for the PDF and once for the shaping.
struct Loaded {
    font: Font,
    face: Face<'static>,
}

impl Loaded {
    fn new(bytes: &'static [u8]) -> Option<Self> {
        Some(Self { font: Font::new(bytes.to_vec().into(), 0)?, face: Face::from_slice(bytes, 0)? })
    }

    fn has(&self, c: char) -> bool {
        self.face.glyph_index(c).is_some_and(|glyph| glyph.0 != 0)
    }
}

/// The fonts, in the order in which they are asked for a sign.
static FONTS: LazyLock<Vec<Loaded>> = LazyLock::new(|| {
    [
        include_bytes!("../fonts/NotoSans_400Regular.ttf").as_slice(),
        include_bytes!("../fonts/NotoSans_700Bold.ttf").as_slice(),
        include_bytes!("../fonts/NotoSansArabic_400Regular.ttf").as_slice(),
        include_bytes!("../fonts/NotoSansHebrew_400Regular.ttf").as_slice(),
        include_bytes!("../fonts/NotoEmoji_400Regular.ttf").as_slice(),
        include_bytes!("../fonts/NotoSansMath_400Regular.ttf").as_slice(),
        include_bytes!("../fonts/NotoSansSymbols_400Regular.ttf").as_slice(),
    ]
    .into_iter()
    .filter_map(Loaded::new)
    .collect()
});

const REGULAR: usize = 0;
const BOLD: usize = 1;
const ARABIC: usize = 2;
const EMOJI: usize = 4;

/// Signs of one font in one direction, as they stand side by side.
#[derive(Clone)]
pub(super) struct Run {
    font: usize,
    text: String,
    glyphs: Vec<KrillaGlyph>,
    /// Its width where the font size is 1.
    width: f32,
}

impl Run {
    /// Its font.
    pub(super) fn font(&self) -> Option<Font> {
        FONTS.get(self.font).map(|loaded| loaded.font.clone())
    }

    /// What it says.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Its signs.
    pub(super) fn glyphs(&self) -> &[KrillaGlyph] {
        &self.glyphs
    }

    /// Its width in points at a font size.
    pub(super) fn width(&self, size: f32) -> f32 {
        self.width * size
    }
}

/// One line, its runs from left to right.
#[derive(Clone)]
pub(super) struct Line {
    /// The runs.
    pub(super) runs: Vec<Run>,
    /// Whether the paragraph runs from right to left, so that the line ends at the right edge.
    pub(super) rtl: bool,
}

impl Line {
    /// Its width in points at a font size.
    pub(super) fn width(&self, size: f32) -> f32 {
        self.runs.iter().map(|run| run.width(size)).sum()
    }
}

/// Sets a text in lines no wider than `width` points; line feeds stand where they stood.
pub(super) fn lines(text: &str, weight: Weight, size: f32, width: f32) -> Vec<Line> {
    let shown = visible(text);
    let mut lines = Vec::new();
    for paragraph in shown.split('\n') {
        let bidi = BidiInfo::new(paragraph, None);
        let rtl = bidi.paragraphs.first().is_some_and(|one| one.level.is_rtl());
        for range in broken(paragraph, weight, size, width) {
            lines.push(Line { runs: runs(&bidi, paragraph, range, weight), rtl });
        }
    }
    lines
}

/// The same text with everything written out that could not be seen.
pub(in crate::bundle) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let unified = text.replace("\r\n", "\n");
    for cluster in unified.graphemes(true) {
        if cluster == "\n" || cluster == "\r" || cluster == "\u{2028}" || cluster == "\u{2029}" {
            shown.push('\n');
        } else if cluster == "\t" {
            shown.push(' ');
        } else if stands(cluster) {
            shown.push_str(cluster);
        } else {
            for c in cluster.chars() {
                let mut alone = [0; 4];
                let alone: &str = c.encode_utf8(&mut alone);
                if !hidden(c) && font_of(alone, Weight::Regular).is_some() {
                    shown.push(c);
                } else {
                    shown.push_str(&code(c));
                }
            }
        }
    }
    shown
}

/// Whether a cluster is seen as it is. What joins parts of an emoji or Arabic letters belongs to them; between other
/// letters it hides something.
fn stands(cluster: &str) -> bool {
    let whole = |font| glyphs(cluster, font, None).glyphs.iter().all(|glyph| glyph.glyph_id.to_u32() != 0);
    match font_of(cluster, Weight::Regular).filter(|font| cluster.len() < 2 || whole(*font)) {
        None => false,
        Some(ARABIC | EMOJI) => cluster.chars().all(|c| !hidden(c) || joins(c)),
        Some(_) => !cluster.chars().any(hidden),
    }
}

/// Signs without a shape of their own.
fn hidden(c: char) -> bool {
    c.is_control()
        || matches!(u32::from(c),
            0xAD | 0x34F | 0x61C | 0x115F | 0x1160 | 0x17B4 | 0x17B5 | 0x180B..=0x180F | 0x200B..=0x200F
            | 0x202A..=0x202E | 0x2060..=0x206F | 0x3164 | 0xFE00..=0xFE0F | 0xFEFF | 0xFFA0 | 0xFFF0..=0xFFFC
            | 0x1BCA0..=0x1BCA3 | 0x1D173..=0x1D17A | 0xE0000..=0xE0FFF)
}

/// Of these, the ones that belong to an emoji or to Arabic writing.
fn joins(c: char) -> bool {
    matches!(u32::from(c), 0x200C | 0x200D | 0xFE0E | 0xFE0F | 0xE0020..=0xE007F)
}

/// The first font that has a whole cluster.
fn font_of(cluster: &str, weight: Weight) -> Option<usize> {
    let has = |font: &usize| {
        FONTS.get(*font).is_some_and(|loaded| cluster.chars().all(|c| joins(c) || loaded.has(c)))
    };
    let text = match weight {
        Weight::Regular => [REGULAR, BOLD],
        Weight::Bold => [BOLD, REGULAR],
    };
    // An emoji is drawn as one also where a text font has its first sign.
    if cluster.contains('\u{fe0f}') && has(&EMOJI) {
        return Some(EMOJI);
    }
    text.iter().copied().chain(2..FONTS.len()).find(has)
}

/// The parts of a paragraph that fit, each on a line: broken where the language allows it, inside a word only where it is
/// wider than the line.
fn broken(paragraph: &str, weight: Weight, size: f32, width: f32) -> Vec<Range<usize>> {
    let measure = Measure::new(paragraph, weight);
    let room = width / size;
    let mut lines = Vec::new();
    let (mut start, mut end) = (0, 0);
    for (at, opportunity) in linebreaks(paragraph) {
        if end > start && measure.between(start, trimmed(paragraph, start, at)) > room {
            lines.push(start..end);
            start = end;
        }
        // A word that is wider than a line alone.
        while measure.between(start, trimmed(paragraph, start, at)) > room {
            let cut = measure.cut(start, at, room);
            if cut >= at {
                break;
            }
            lines.push(start..cut);
            start = cut;
        }
        end = at;
        if opportunity == BreakOpportunity::Mandatory && at < paragraph.len() {
            lines.push(start..end);
            start = end;
        }
    }
    if start < paragraph.len() || lines.is_empty() {
        lines.push(start..paragraph.len());
    }
    lines
}

/// How wide a paragraph is up to each place where a cluster begins, where the font size is 1.
struct Measure {
    /// Places, rising, and the width before each; the last is the end.
    places: Vec<(usize, f32)>,
}

impl Measure {
    fn new(paragraph: &str, weight: Weight) -> Self {
        let mut clusters = Vec::new();
        for (range, font) in stretches(paragraph, 0..paragraph.len(), weight) {
            let run = glyphs(&paragraph[range.clone()], font, None);
            clusters.extend(
                run.glyphs.iter().map(|glyph| (range.start + glyph.text_range.start, glyph.x_advance)),
            );
        }
        clusters.sort_by_key(|(at, _)| *at);
        let (mut places, mut sum): (Vec<(usize, f32)>, _) = (Vec::new(), 0.0);
        for (at, wide) in clusters {
            if places.last().is_none_or(|(last, _)| *last < at) {
                places.push((at, sum));
            }
            sum += wide;
        }
        places.push((paragraph.len(), sum));
        Self { places }
    }

    fn before(&self, at: usize) -> f32 {
        let after = self.places.partition_point(|(place, _)| *place < at);
        self.places.get(after).or(self.places.last()).map_or(0.0, |(_, width)| *width)
    }

    fn between(&self, start: usize, end: usize) -> f32 {
        self.before(end) - self.before(start)
    }

    /// The last place up to which what begins at `start` fits; at least one cluster on.
    fn cut(&self, start: usize, end: usize, room: f32) -> usize {
        // Two letters that were drawn together are a little wider apart once the line ends between them.
        let limit = self.before(start) + room - 0.1;
        let first = self.places.partition_point(|(place, _)| *place <= start);
        let last = self.places.partition_point(|(_, width)| *width <= limit).saturating_sub(1).max(first);
        self.places.get(last).map_or(end, |(place, _)| *place).min(end)
    }
}

fn trimmed(text: &str, start: usize, end: usize) -> usize {
    start + text[start..end].trim_end().len()
}

/// A part of a paragraph, cut where the font changes.
fn stretches(paragraph: &str, part: Range<usize>, weight: Weight) -> Vec<(Range<usize>, usize)> {
    let mut found: Vec<(Range<usize>, usize)> = Vec::new();
    for (at, cluster) in paragraph[part.clone()].grapheme_indices(true) {
        let (start, end) = (part.start + at, part.start + at + cluster.len());
        let last = found.last().map(|(_, font)| *font);
        // A space stays in the font of what it follows, unless that draws pictures.
        let font = match last {
            Some(last)
                if last != EMOJI && cluster == " " && FONTS.get(last).is_some_and(|font| font.has(' ')) =>
            {
                last
            }
            _ => font_of(cluster, weight).unwrap_or(REGULAR),
        };
        match found.last_mut() {
            Some((range, same)) if *same == font => range.end = end,
            _ => found.push((start..end, font)),
        }
    }
    found
}

/// The runs of a line from left to right.
fn runs(bidi: &BidiInfo<'_>, paragraph: &str, range: Range<usize>, weight: Weight) -> Vec<Run> {
    let end = trimmed(paragraph, range.start, range.end);
    let Some(whole) = bidi.paragraphs.first() else { return Vec::new() };
    if end == range.start {
        return Vec::new();
    }
    let (levels, ordered) = bidi.visual_runs(whole, range.start..end);
    let mut runs = Vec::new();
    for part in ordered {
        let level = levels.get(part.start).copied().unwrap_or_else(Level::ltr);
        let mut pieces: Vec<_> = stretches(paragraph, part, weight)
            .into_iter()
            .map(|(range, font)| shape(&paragraph[range], font, Some(level.is_rtl())))
            .collect();
        if level.is_rtl() {
            pieces.reverse();
        }
        runs.extend(pieces);
    }
    runs
}

/// Shapes a text in one font; in numbers, where the font turns out to lack a part of a sign that it names.
fn shape(text: &str, font: usize, rtl: Option<bool>) -> Run {
    let run = glyphs(text, font, rtl);
    if run.glyphs.iter().all(|glyph| glyph.glyph_id.to_u32() != 0) {
        return run;
    }
    let codes: String = text.chars().map(code).collect();
    glyphs(&codes, REGULAR, Some(false))
}

/// A sign as its number.
fn code(c: char) -> String {
    format!("[U+{:04X}]", u32::from(c))
}

fn glyphs(text: &str, font: usize, rtl: Option<bool>) -> Run {
    let mut run = Run { font, text: text.to_owned(), glyphs: Vec::new(), width: 0.0 };
    let Some(loaded) = FONTS.get(font) else { return run };
    let mut buffer = UnicodeBuffer::new();
    buffer.push_str(text);
    buffer.guess_segment_properties();
    if let Some(rtl) = rtl {
        buffer.set_direction(if rtl { Direction::RightToLeft } else { Direction::LeftToRight });
    }
    let shaped = rustybuzz::shape(&loaded.face, &[], buffer);
    #[expect(clippy::cast_precision_loss, reason = "units of a font are far below what f32 holds exactly")]
    let em = |units: i32| units as f32 / loaded.font.units_per_em();
    let mut starts: Vec<usize> = shaped.glyph_infos().iter().map(|info| info.cluster as usize).collect();
    starts.sort_unstable();
    for (info, place) in shaped.glyph_infos().iter().zip(shaped.glyph_positions()) {
        let start = info.cluster as usize;
        // A cluster ends where the next one of the text begins.
        let next = starts.partition_point(|other| *other <= start);
        let end = starts.get(next).copied().unwrap_or(text.len());
        run.width += em(place.x_advance);
        run.glyphs.push(KrillaGlyph::new(
            GlyphId::new(info.glyph_id),
            em(place.x_advance),
            em(place.x_offset),
            em(place.y_offset),
            em(place.y_advance),
            start..end,
            None,
        ));
    }
    run
}

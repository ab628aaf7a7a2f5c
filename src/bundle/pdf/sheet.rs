//! Pages: blocks of text from the top to the bottom, then the next page.

use krilla::Document;
use krilla::SerializeSettings;
use krilla::color::rgb;
use krilla::configure::{Archival, ConfigurationBuilder};
use krilla::geom::{PathBuilder, Point, Rect};
use krilla::metadata::{DateTime, Metadata};
use krilla::num::NormalizedF32;
use krilla::page::PageSettings;
use krilla::paint::{Fill, FillRule};
use krilla::surface::Surface;

use super::super::handling;
use super::PdfError;
use super::text::{Line, Weight, lines};

/// A4 in points.
const PAGE: (f32, f32) = (595.28, 841.89);
const LEFT: f32 = 62.0;
const RIGHT: f32 = 56.0;
const TOP: f32 = 56.0;
const BOTTOM: f32 = 66.0;
/// Where the values of facts begin.
const COLUMN: f32 = 138.0;
/// From one base line to the next, at font size 1.
const LEADING: f32 = 1.38;

const BLACK: [u8; 3] = [0x1a, 0x1a, 0x1a];
const GREY: [u8; 3] = [0x55, 0x55, 0x55];
const PALE: [u8; 3] = [0xf1, 0xf3, 0xf5];
const RULE: [u8; 3] = [0xb8, 0xbf, 0xc6];

/// Something at its place on a page; places are points from the left and the top.
enum Item {
    Text { x: f32, y: f32, line: Line, size: f32, colour: [u8; 3] },
    Box { x: f32, y: f32, width: f32, height: f32, colour: [u8; 3] },
}

/// What stands in the document's own data.
#[derive(Debug, Clone)]
pub(super) struct About {
    /// Its title.
    pub(super) title: String,
    /// Who made it.
    pub(super) author: String,
    /// An id that is the same whenever the same is printed.
    pub(super) id: String,
    /// The day it was made: year, month, day.
    pub(super) date: (u16, u8, u8),
    /// Stands at the foot of every page.
    pub(super) foot: String,
}

/// Pages that are being filled.
#[derive(Default)]
pub(super) struct Sheet {
    pages: Vec<Vec<Item>>,
    y: f32,
}

impl Sheet {
    /// An empty sheet.
    pub(super) fn new() -> Self {
        Self { pages: vec![Vec::new()], y: TOP }
    }

    fn width() -> f32 {
        PAGE.0 - LEFT - RIGHT
    }

    /// Makes sure that `height` points are left on the page.
    fn room(&mut self, height: f32) {
        if self.y + height > PAGE.1 - BOTTOM && self.y > TOP {
            self.pages.push(Vec::new());
            self.y = TOP;
        }
    }

    fn place(&mut self, item: Item) {
        if let Some(page) = self.pages.last_mut() {
            page.push(item);
        }
    }

    /// A line of text with its base line a little above the bottom of its height.
    fn line(&mut self, line: Line, x: f32, width: f32, size: f32, colour: [u8; 3]) {
        let height = size * LEADING;
        self.room(height);
        // A paragraph from right to left begins at the right edge.
        let x = if line.rtl { x + width - line.width(size) } else { x };
        self.place(Item::Text { x, y: self.y + size * 1.07, line, size, colour });
        self.y += height;
    }

    /// Empty space.
    fn space(&mut self, points: f32) {
        self.y += points;
    }

    /// The finished document, wholly determined by what was put on it.
    ///
    /// # Errors
    /// `Archival`: a font or a sign that PDF/A-1b does not take.
    pub(super) fn finish(self, about: &About) -> Result<Vec<u8>, PdfError> {
        let configuration = ConfigurationBuilder::new()
            .with_archival_validator(Archival::A1_B)
            .finish()
            .map_err(|error| PdfError::Archival(format!("{error:?}")))?;
        let mut document =
            Document::new_with(SerializeSettings { configuration, ..SerializeSettings::default() });
        let (year, month, day) = about.date;
        let date = DateTime::new(year).month(month).day(day).hour(0).minute(0).second(0);
        document.set_metadata(
            Metadata::new()
                .title(about.title.clone())
                .authors(vec![about.author.clone()])
                .language("sv".to_owned())
                .creator(concat!("Uppsikt ", env!("CARGO_PKG_VERSION")).to_owned())
                .creation_date(date.utc_offset_hour(0).utc_offset_minute(0))
                .document_id(about.id.clone()),
        );
        let count = self.pages.len();
        for (n, items) in self.pages.into_iter().enumerate() {
            let Some(settings) = PageSettings::from_wh(PAGE.0, PAGE.1) else { continue };
            let mut page = document.start_page_with(settings);
            let mut surface = page.surface();
            for item in items {
                draw(&mut surface, item);
            }
            foot(&mut surface, &about.foot, n + 1, count);
            surface.finish();
            page.finish();
        }
        document.finish().map_err(|error| PdfError::Archival(format!("{error:?}")))
    }
}

impl handling::Sheet for Sheet {
    fn title(&mut self, text: &str) {
        for line in lines(text, Weight::Bold, 18.0, Self::width()) {
            self.line(line, LEFT, Self::width(), 18.0, BLACK);
        }
        self.space(4.0);
    }

    fn heading(&mut self, text: &str) {
        self.space(12.0);
        self.room(60.0);
        for line in lines(text, Weight::Bold, 12.0, Self::width()) {
            self.line(line, LEFT, Self::width(), 12.0, BLACK);
        }
        let y = self.y + 1.0;
        self.place(Item::Box { x: LEFT, y, width: Self::width(), height: 0.7, colour: RULE });
        self.space(6.0);
    }

    fn paragraph(&mut self, text: &str) {
        for line in lines(text, Weight::Regular, 10.0, Self::width()) {
            self.line(line, LEFT, Self::width(), 10.0, BLACK);
        }
        self.space(4.0);
    }

    fn fact(&mut self, name: &str, value: &str) {
        let width = Self::width() - COLUMN;
        let names = lines(name, Weight::Regular, 9.0, COLUMN - 10.0);
        let values = lines(value, Weight::Regular, 9.5, width);
        // A name is never alone at the foot of a page.
        #[expect(clippy::cast_precision_loss, reason = "a name has few lines")]
        let height = names.len() as f32 * 9.0 * LEADING;
        self.room(height.max(9.5 * LEADING));
        let (top, page) = (self.y, self.pages.len());
        for line in names {
            self.line(line, LEFT, COLUMN, 9.0, GREY);
        }
        let after = self.y;
        self.y = top;
        for line in values {
            self.line(line, LEFT + COLUMN, width, 9.5, BLACK);
        }
        if self.pages.len() == page {
            self.y = self.y.max(after);
        }
        self.space(2.5);
    }

    fn quote(&mut self, text: &str) {
        let width = Self::width() - 24.0;
        self.space(2.0);
        for line in lines(text, Weight::Regular, 11.0, width) {
            let height = 11.0 * LEADING;
            self.room(height);
            let y = self.y;
            self.place(Item::Box { x: LEFT, y, width: Self::width(), height: height + 0.3, colour: PALE });
            self.place(Item::Box { x: LEFT, y, width: 2.5, height: height + 0.3, colour: RULE });
            self.line(line, LEFT + 14.0, width, 11.0, BLACK);
        }
        self.space(6.0);
    }
}

fn foot(surface: &mut Surface<'_>, text: &str, page: usize, of: usize) {
    let width = Sheet::width();
    let y = PAGE.1 - BOTTOM + 16.0;
    draw(surface, Item::Box { x: LEFT, y, width, height: 0.5, colour: RULE });
    let number = lines(&format!("{page} ({of})"), Weight::Regular, 8.0, width);
    for line in number {
        let x = LEFT + width - line.width(8.0);
        draw(surface, Item::Text { x, y: y + 13.0, line, size: 8.0, colour: GREY });
    }
    let mut y = y + 13.0;
    for line in lines(text, Weight::Regular, 8.0, width - 50.0).into_iter().take(3) {
        draw(surface, Item::Text { x: LEFT, y, line, size: 8.0, colour: GREY });
        y += 8.0 * LEADING;
    }
}

fn draw(surface: &mut Surface<'_>, item: Item) {
    let fill = |[red, green, blue]: [u8; 3]| {
        Some(Fill {
            paint: rgb::Color::new(red, green, blue).into(),
            opacity: NormalizedF32::ONE,
            rule: FillRule::default(),
        })
    };
    match item {
        Item::Text { mut x, y, line, size, colour } => {
            surface.set_fill(fill(colour));
            for run in line.runs {
                if let Some(font) = run.font() {
                    surface.draw_glyphs(Point::from_xy(x, y), run.glyphs(), font, run.text(), size, false);
                }
                x += run.width(size);
            }
        }
        Item::Box { x, y, width, height, colour } => {
            surface.set_fill(fill(colour));
            let mut path = PathBuilder::new();
            if let Some(rectangle) = Rect::from_xywh(x, y, width, height) {
                path.push_rect(rectangle);
            }
            if let Some(path) = path.finish() {
                surface.draw_path(&path);
            }
        }
    }
}

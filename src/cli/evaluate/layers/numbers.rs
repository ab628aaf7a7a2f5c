//! Personal numbers in every written form, and numbers that are none.

use super::{Figure, Judge};
use crate::domain::classify::Band;

const LAYER: &str = "numbers";

/// Twelve digits as people write them.
pub(super) fn forms(number: &str) -> Vec<(&'static str, String)> {
    let (century, six, last) = (&number[..2], &number[2..8], &number[8..]);
    let (year, month, day) = (&number[2..4], &number[4..6], &number[6..8]);
    let in_digits = |zero: char| -> String {
        format!("{century}{six}-{last}")
            .chars()
            .map(|ch| ch.to_digit(10).and_then(|digit| char::from_u32(zero as u32 + digit)).unwrap_or(ch))
            .collect()
    };
    vec![
        ("12 digits", number.to_owned()),
        ("8-4", format!("{century}{six}-{last}")),
        ("8 4", format!("{century}{six} {last}")),
        ("8 - 4", format!("{century}{six} - {last}")),
        ("8–4, en dash", format!("{century}{six}–{last}")),
        ("8‑4, unbreakable hyphen", format!("{century}{six}\u{2011}{last}")),
        ("8−4, minus", format!("{century}{six}\u{2212}{last}")),
        ("8 4, no-break space", format!("{century}{six}\u{a0}{last}")),
        ("8 4, thin space", format!("{century}{six}\u{202f}{last}")),
        ("8+4", format!("{century}{six}+{last}")),
        ("yyyy-mm-dd-nnnn", format!("{century}{year}-{month}-{day}-{last}")),
        ("yyyy-mm-dd nnnn", format!("{century}{year}-{month}-{day} {last}")),
        ("yyyy mm dd nnnn", format!("{century}{year} {month} {day} {last}")),
        ("yyyy.mm.dd-nnnn", format!("{century}{year}.{month}.{day}-{last}")),
        ("yyyy/mm/dd-nnnn", format!("{century}{year}/{month}/{day}-{last}")),
        ("yy yy mm dd nn nn", format!("{century} {year} {month} {day} {} {}", &last[..2], &last[2..])),
        ("4 4 4", format!("{century}{year} {month}{day} {last}")),
        ("6-4", format!("{six}-{last}")),
        ("6+4", format!("{six}+{last}")),
        ("6 4", format!("{six} {last}")),
        ("6 - 4", format!("{six} - {last}")),
        ("6–4, en dash", format!("{six}–{last}")),
        ("6—4, em dash", format!("{six}—{last}")),
        ("6 4, no-break space", format!("{six}\u{a0}{last}")),
        ("yy-mm-dd-nnnn", format!("{year}-{month}-{day}-{last}")),
        ("yy-mm-dd nnnn", format!("{year}-{month}-{day} {last}")),
        ("yy mm dd nnnn", format!("{year} {month} {day} {last}")),
        ("8-4, fullwidth digits", in_digits('０')),
        ("8-4, Arabic digits", in_digits('٠')),
        ("8-4, mathematical digits", in_digits('𝟎')),
        ("8-4, with a zero-width space", format!("{century}{six}\u{200b}-\u{200b}{last}")),
        ("12 digits, with soft hyphens", format!("{century}{six}\u{ad}{last}")),
    ]
}

/// Words round a number that do not say what it is.
pub(super) const SILENT: &[(&str, &str)] = &[
    ("", ""),
    ("Hej, jag heter Kim, ", ", och jag väntar på svar."),
    ("Kan ni titta på min ansökan (", ")? Tack"),
    ("Här är hon: ", "! Nu vet ni."),
    ("\"", "\" stod det på lappen"),
    ("😀", "😀"),
    ("Anna Berg, ", "\nStorgatan"),
    ("Jag har bott här i 12 år, ", " hälsar Kim"),
    ("Ansökan om bygglov skickad i maj, id ", "."),
    ("Det gäller min son;", "; han går i trean"),
];

/// Words round a number that say what it is.
pub(super) const NAMING: &[(&str, &str)] = &[
    ("Mitt personnummer är ", "."),
    ("personnr: ", ""),
    ("pnr ", " om ni vill kolla"),
    ("Hans samordningsnummer: ", "!"),
    ("", " är mitt personnummer"),
    ("PERSONNUMMER=", ""),
    ("persnr", ", tack på förhand"),
    ("Person nummer ", ""),
];

/// Luhn's check digit of nine digits (SFS 1991:481).
pub(super) fn check_digit(nine: &str) -> u32 {
    let sum: u32 = nine
        .bytes()
        .zip([2, 1].into_iter().cycle())
        .map(|(byte, weight)| {
            let product = u32::from(byte - b'0') * weight;
            product / 10 + product % 10
        })
        .sum();
    (10 - sum % 10) % 10
}

/// A row of digits that is the same in every run.
pub(super) struct Digits(pub(super) u64);

impl Digits {
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// Numbers that are no personal numbers, made from running digits: how they are called, and the text.
pub(super) fn others(digits: &mut Digits) -> Vec<(&'static str, String)> {
    let nine = format!(
        "07{}{:06}",
        [0, 2, 3, 6, 9][usize::try_from(digits.below(5)).unwrap_or(0)],
        digits.below(1_000_000)
    );
    // One in eighteen would be a coordination number by chance: here every one has a right check digit.
    let phone = format!("{nine}{}", check_digit(&nine));
    let (a, b, c) = (&phone[..3], &phone[3..6], &phone[6..]);
    let eight = format!("{}{:06}", 20 + digits.below(79), digits.below(1_000_000));
    let organisation = {
        // The third digit of an organisation number is at least 2 (SKV 709).
        let nine = format!(
            "{}{}{:06}",
            [16, 21, 55, 55, 76, 80, 85, 91][usize::try_from(digits.below(8)).unwrap_or(0)],
            2 + digits.below(8),
            digits.below(1_000_000)
        );
        format!("{nine}{}", check_digit(&nine))
    };
    let (year, month, day) = (2000 + digits.below(30), 1 + digits.below(12), 1 + digits.below(28));
    let (hour, minute) = (digits.below(24), digits.below(60));
    let running = digits.below(10_000);
    let born = format!("{:02}{month:02}{day:02}{:03}", year % 100, digits.below(999) + 1);
    // What would be a personal number if the words did not say otherwise.
    let born = format!("{born}{}", check_digit(&born));
    vec![
        ("telephones: 07x-xxx xx xx", format!("{a}-{b} {} {}", &c[..2], &c[2..])),
        ("telephones: 07xxxxxxxx", phone.clone()),
        ("telephones: 07x xxx xx xx", format!("Hör av dig, {a} {b} {} {}", &c[..2], &c[2..])),
        ("telephones: 07x-xxxxxxx", format!("Säljes, {a}-{b}{c}")),
        ("telephones: 07xx-xxxxxx", format!("{}-{}", &phone[..4], &phone[4..])),
        (
            "telephones: 07xx-xx xx xx",
            format!("{}-{} {} {}", &phone[..4], &phone[4..6], &phone[6..8], &phone[8..]),
        ),
        ("telephones: +46", format!("+46{}", &phone[1..])),
        ("telephones: +46 (0)", format!("+46 (0){}-{b} {} {}", &a[1..], &c[..2], &c[2..])),
        ("organisation numbers", format!("Vi heter Bygg AB, {}-{}", &organisation[..6], &organisation[6..])),
        ("organisation numbers, no joint", organisation.clone()),
        ("organisation numbers, twelve digits", format!("16{organisation}")),
        ("diary numbers", format!("KS {year}/{running:05}-{}", digits.below(30))),
        ("diary numbers, dated", format!("Dnr {year}-{month:02}-{running:04}")),
        ("diary numbers, long", format!("Beslutet BUN {year}/{month:02}{day:02}-{running:04}")),
        ("dates: ISO", format!("Mötet {year}-{month:02}-{day:02} {hour:02}:{minute:02}")),
        ("dates: with a full stop", format!("{year}-{month:02}-{day:02} {hour:02}.{minute:02}")),
        ("dates: of a machine", format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:00Z")),
        (
            "dates: in the name of a picture",
            format!("IMG_{year}{month:02}{day:02}_{hour:02}{minute:02}{:02}", digits.below(60)),
        ),
        ("accounts: after a word", format!("Bankgiro {}-{}", &born[..6], &born[6..])),
        ("accounts: clearing", format!("{}-{},{born}", &eight[..4], digits.below(10))),
        (
            "accounts: clearing and groups",
            format!("{}-{}, {} {} {}", &eight[..4], digits.below(10), &born[..3], &born[3..6], &born[6..]),
        ),
        ("accounts: IBAN", format!("SE45 5000 0000 {} {} {}", &born[..4], &born[4..8], &born[6..])),
        (
            "accounts: plusgiro",
            format!("pg {} {} {}-{}", &eight[..2], &eight[2..4], &eight[4..6], &eight[7..]),
        ),
        ("OCR", format!("OCR {born}")),
        ("OCR, among other words", format!("Betala med ocr-nummer {born} senast den sista")),
        ("references", format!("Fakturans referens är {born}")),
        ("customers", format!("kundnummer {born}")),
        ("longer rows of digits", format!("{born}{}", digits.below(9000) + 1000)),
        ("decimals", format!("{}.{}", &born[..6], &born[6..])),
        ("sums", format!("{} {} {} {} kr", &born[..1], &born[1..4], &born[4..7], &born[7..])),
    ]
}

/// The numbers in every form, and so many each of the numbers that are none.
pub(super) fn measure(judge: &Judge<'_>, numbers: &[String], rounds: usize) -> Vec<Figure> {
    let mut figures: Vec<Figure> = Vec::new();
    let every_form = forms("190001010000");
    let mut found: Vec<Figure> =
        every_form.iter().map(|(name, _)| Figure::new(LAYER, format!("found: {name}"), 1.0)).collect();
    let mut bare = Figure::new(LAYER, "found: 10 digits, to be looked at and no more", 1.0);
    let mut phones = Figure::new(LAYER, "let be: 10 digits that may be a mobile telephone", 1.0);
    let mut named = Figure::new(LAYER, "found: any form, said to be a personal number", 1.0);
    let mut wrong = Figure::new(LAYER, "let be: wrong check digit, nothing said", 1.0);
    let mut wrong_named = Figure::new(LAYER, "found: wrong check digit, said to be a personal number", 1.0);
    for (place, number) in numbers.iter().enumerate() {
        let all = forms(number);
        for (form, (_, written)) in all.iter().enumerate() {
            let (before, after) = SILENT[(place + form) % SILENT.len()];
            let text = format!("{before}{written}{after}");
            let span = (before.len(), before.len() + written.len());
            found[form].count(!judge.personal_numbers(&text, span).is_empty(), || text.clone());
        }
        let (before, after) = SILENT[place % SILENT.len()];
        let ten = &number[2..];
        let text = format!("{before}{ten}{after}");
        let bands = judge.personal_numbers(&text, (before.len(), before.len() + 10));
        if ["070", "072", "073", "076", "079"].iter().any(|start| ten.starts_with(start)) {
            phones.count(bands.is_empty(), || text.clone());
        } else {
            bare.count(bands == [Band::Look], || text.clone());
        }
        let (before, after) = NAMING[place % NAMING.len()];
        let written = if place % 4 == 0 { ten } else { all[place % all.len()].1.as_str() };
        let text = format!("{before}{written}{after}");
        let bands = judge.personal_numbers(&text, (before.len(), before.len() + written.len()));
        named.count(!bands.is_empty(), || text.clone());
        let slip = (u32::from(number.as_bytes()[11] - b'0') + 1 + u32::try_from(place % 9).unwrap_or(0)) % 10;
        let slipped = format!("{}{slip}", &number[..11]);
        let all = forms(&slipped);
        let written = &all[place % all.len()].1;
        let (silent, after) = SILENT[place / 7 % SILENT.len()];
        let text = format!("{silent}{written}{after}");
        let bands = judge.personal_numbers(&text, (silent.len(), silent.len() + written.len()));
        wrong.count(bands.is_empty(), || text.clone());
        let text = format!("{before}{written}");
        if !before.is_empty() {
            let bands = judge.personal_numbers(&text, (before.len(), text.len()));
            wrong_named.count(bands == [Band::Look], || text.clone());
        }
    }
    let mut digits = Digits(20_261_123);
    let mut none: Vec<Figure> = Vec::new();
    for _ in 0..rounds {
        for (form, (name, text)) in others(&mut digits).into_iter().enumerate() {
            if none.len() <= form {
                none.push(Figure::new(LAYER, format!("let be: {name}"), 1.0));
            }
            let found = judge.judge(&text);
            none[form].count(found.findings.iter().all(|one| one.rule != "personal-number"), || text.clone());
        }
    }
    figures.append(&mut found);
    figures.extend([bare, phones, named, wrong_named, wrong]);
    figures.append(&mut none);
    figures
}

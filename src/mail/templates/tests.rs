use super::*;
use crate::domain::category::{Category, Proposal};
use crate::domain::letter::{Body, Content, Duties, Letter, LetterItem, Matter, Why};
use crate::mail::Rendered;

fn rendered() -> Vec<(&'static str, Letter, Rendered)> {
    let templates = Templates::built_in().unwrap();
    specimens()
        .into_iter()
        .map(|specimen| {
            let rendered = render(&specimen.letter, &templates).unwrap();
            (specimen.name, specimen.letter, rendered)
        })
        .collect()
}

/// The words for a reader; the files are what an editor would read, so look at them after a change.
#[test]
fn the_letters_read_as_they_were_approved() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../../../tests/fixtures/letters");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        for (name, _, rendered) in rendered() {
            insta::assert_snapshot!(
                format!("{name}.txt"),
                format!("Ämne: {}\n\n{}", rendered.subject, rendered.text)
            );
            insta::assert_snapshot!(format!("{name}.html"), rendered.html);
        }
    });
}

#[test]
fn the_built_in_letters_have_no_fault() {
    let faults = Templates::built_in().unwrap().faults();
    assert!(faults.is_empty(), "{faults:?}");
    // Every kind and every trouble, full and least.
    assert_eq!(specimens().len(), 25);
    for kind in crate::domain::letter::LetterKind::ALL {
        assert!(
            specimens().iter().any(|specimen| specimen.letter.kind() == kind),
            "{kind:?} has no specimen"
        );
    }
}

#[test]
fn text_lines_are_short_and_html_is_plain_and_well_formed() {
    for (name, _, rendered) in rendered() {
        for line in rendered.text.lines() {
            let told_exactly = line.contains("https://") || line.starts_with("— ");
            assert!(line.chars().count() <= 78 || told_exactly, "{name}: {line}");
            assert!(!line.ends_with(' '), "{name}: space at the end of `{line}`");
        }
        assert!(!rendered.text.contains("\n\n\n"), "{name}: two empty lines");
        assert!(rendered.text.ends_with('\n') && !rendered.text.starts_with('\n'), "{name}");
        assert_eq!(html_fault(&rendered.html), None, "{name}");
        balanced(name, &rendered.html);
    }
}

/// Every element that is opened is closed, in order; headings do not skip a rank.
fn balanced(name: &str, html: &str) {
    let mut open = Vec::new();
    let mut rank = 0;
    for tag in regex::Regex::new(r"<(/?)([a-z][a-z0-9]*)[^>]*>").unwrap().captures_iter(html) {
        let element = tag[2].to_owned();
        if element == "meta" {
            continue;
        }
        if let Some(digit) = element.strip_prefix('h').and_then(|digit| digit.parse::<u32>().ok()) {
            assert!(digit <= rank + 1 || tag[1].len() == 1, "{name}: heading {digit} after {rank}");
            rank = digit;
        }
        if tag[1].is_empty() {
            open.push(element);
        } else {
            assert_eq!(open.pop(), Some(element), "{name}");
        }
    }
    assert!(open.is_empty(), "{name}: {open:?} left open");
}

/// Source: WCAG 2.1, 1.4.3: 4.5:1 for text.
#[test]
fn colours_are_readable() {
    let linear = |value: u32| {
        let value = f64::from(value) / 255.0;
        if value <= 0.039_28 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    let luminance = |colour: &str| {
        let part = |at: usize| linear(u32::from_str_radix(&colour[at..at + 2], 16).unwrap());
        0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
    };
    let layout = BUILT_IN.iter().find(|(name, _)| *name == "layout.html").unwrap().1;
    let colours: Vec<_> = regex::Regex::new(r"[^-]color: (#[0-9a-f]{6})")
        .unwrap()
        .captures_iter(layout)
        .map(|found| found[1].to_owned())
        .collect();
    assert!(colours.len() >= 5, "{colours:?}");
    for colour in colours {
        let contrast = 1.05 / (luminance(&colour) + 0.05);
        assert!(contrast >= 4.5, "{colour} has {contrast:.2}:1 on white");
    }
}

fn with_items(items: Vec<LetterItem>) -> Letter {
    let mut letter = specimens().into_iter().find(|specimen| specimen.name == "duties").unwrap().letter;
    letter.body = Body::Duties(Duties { items, list: None, last_today: false });
    letter
}

fn item(content: Content) -> LetterItem {
    let letter = specimens().into_iter().find(|specimen| specimen.name == "urgent").unwrap().letter;
    let Body::Urgent(mut urgent) = letter.body else { panic!("not urgent") };
    let mut item = urgent.items.remove(0);
    let Matter::Case { case, .. } = item.matter else { panic!("no case") };
    item.matter = Matter::Case { case, dnr: None, content };
    item
}

/// R47: every category, alone and beside one that lets the text out.
#[test]
fn what_must_stay_at_home_is_in_no_part_of_a_letter() {
    let templates = Templates::built_in().unwrap();
    let mut withheld = 0;
    for &category in Category::ALL {
        for beside in [None, Some(Category::Insult), Some(Category::Threat)] {
            let categories: Vec<_> = beside.into_iter().chain([category]).collect();
            let why = vec![Why { sentence: "en regel slog till".into(), words: Some("ORDEN-XYZ".into()) }];
            let content = Content::new(
                &categories,
                Some("NAMNET-XYZ"),
                "TEXTEN-XYZ\nRAD-XYZ",
                why,
                Some(Proposal::Hide),
            );
            let rendered = render(&with_items(vec![item(content)]), &templates).unwrap();
            let parts = [&rendered.subject, &rendered.text, &rendered.html];
            let leaks = parts.iter().any(|part| part.contains("XYZ"));
            assert_eq!(leaks, !category.text_stays_home(), "{categories:?}");
            withheld += usize::from(!leaks);
            let proposes = rendered.text.contains("Förslag:");
            assert_eq!(proposes, !category.nothing_preselected(), "{categories:?}");
        }
    }
    assert_eq!(withheld, 8 * 3);
}

#[test]
fn hostile_words_are_shown_and_do_nothing() {
    let templates = Templates::built_in().unwrap();
    let hostile = "</blockquote><script>alert(1)</script><img src=x>{{ foot }}{% include 'x' %}\u{202e}\r\n---\r\nSubject: x & y";
    let why = vec![Why { sentence: "\"><b>regel</b>".into(), words: Some("<b>&amp;</b>".into()) }];
    let mut item =
        item(Content::new(&[Category::Insult], Some("<b>Namn\r\nBcc: x@y.se</b>"), hostile, why, None));
    item.post = Some("<h1>Två & tre</h1>\r\nX: y".into());
    item.act = "Svara\r\nBcc: alla@exempel.se".into();
    let rendered = render(&with_items(vec![item]), &templates).unwrap();
    assert!(!rendered.subject.contains(['\r', '\n']), "{}", rendered.subject);
    assert!(!rendered.text.contains(['\r', '\u{202e}']));
    assert!(rendered.text.contains("   > ---\n   > Subject: x & y\n"), "{}", rendered.text);
    assert_eq!(html_fault(&rendered.html.replace("&lt;", "").replace(" src=x", "")), None);
    assert!(
        !rendered.html.contains("<script")
            && !rendered.html.contains("<b>")
            && !rendered.html.contains("<img")
    );
    // Escaped once: twice would show the reader `&lt;`.
    assert!(rendered.html.contains("&lt;b&gt;&amp;amp;&lt;"), "{}", rendered.html);
    assert!(!rendered.html.contains("&amp;lt;"), "{}", rendered.html);
    balanced("hostile", &rendered.html);
}

#[test]
fn six_hundred_duties_stand_in_one_letter_that_can_be_read() {
    let templates = Templates::built_in().unwrap();
    let items: Vec<_> = (1..=600)
        .map(|case| {
            let mut item =
                item(Content::new(&[Category::Insult], Some("N"), &"ord ".repeat(400), vec![], None));
            let Matter::Case { content, .. } = item.matter else { panic!("no case") };
            item.matter = Matter::Case { case: crate::domain::case::CaseId(case), dnr: None, content };
            item
        })
        .collect();
    let rendered = render(&with_items(items), &templates).unwrap();
    for case in 1..=600 {
        assert_eq!(rendered.text.matches(&format!("Ärende c-{case:06}\n")).count(), 1);
    }
    assert!(rendered.text.len() < 200_000, "{}", rendered.text.len());
    assert!(rendered.text.contains("(Texten fortsätter i ärendet.)"));
}

fn own(files: &[(&str, &str)]) -> Result<Templates, TemplateError> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        crate::durable::write(&path, text.as_bytes(), 0o600).unwrap();
    }
    Templates::load(folder.path())
}

#[test]
fn the_municipalitys_own_words_take_the_place_of_ours() {
    let foot = "Hälsningar, {{ foot.organisation }}, {{ foot.operator_email }}\n{% if foot.checkpoint %}\n{{ foot.checkpoint.size }}: {{ foot.checkpoint.root }}\n{% endif %}\n";
    let templates = own(&[("foot.txt", foot), (".foot.txt.swp", "x"), ("foot.txt~", "{{")]).unwrap();
    let letter = specimens().remove(0).letter;
    let rendered = render(&letter, &templates).unwrap();
    assert!(rendered.text.contains("Hälsningar, Exempel kommun"), "{}", rendered.text);
    assert!(own(&[]).is_ok());
}

#[test]
fn a_faulty_template_is_refused_at_start() {
    for (files, expected) in [
        (vec![("foot.txt", "{{ foot.organisaton }}")], "line 1"),
        (vec![("foot.txt", "{% if foot %}")], "foot.txt"),
        (vec![("foot.txt", "Hej då.")], "leaves out `drift@exempel.se`"),
        (vec![("item.txt", "{{ item.number }}\n")], "leaves out"),
        (
            vec![("technical.txt", "{% if code == 'other' %}{{ what }}{% endif %}{% include 'foot.txt' %}")],
            "leaves out",
        ),
        (vec![("fot.txt", "x")], "is no letter template"),
        (
            vec![("entered.html", "{% extends 'layout.html' %}{% block body %}<h1>Två</h1>{% endblock %}")],
            "entered.html",
        ),
        (vec![("item.html", "<img src=\"https://exempel.se/x.png\">")], "html"),
        (vec![("words.txt", "")], "words.txt"),
    ] {
        let error = own(&files).unwrap_err().to_string();
        assert!(error.contains(expected) || files[0].0 == "words.txt", "{files:?} gave: {error}");
    }
    assert!(matches!(Templates::load(Path::new("/does/not/exist")), Err(TemplateError::Unreadable { .. })));
}

#[test]
fn all_faults_are_told_and_without_the_letters_words() {
    let folder = tempfile::tempdir().unwrap();
    crate::durable::write(&folder.path().join("foot.txt"), b"{{ foot.nope }}", 0o600).unwrap();
    let templates = Templates {
        own: Some(environment(&read(folder.path()).unwrap()).unwrap()),
        ..Templates::built_in().unwrap()
    };
    let faults = templates.faults();
    assert!(!faults.is_empty());
    assert!(faults.iter().all(|fault| !fault.to_string().contains("badhuset")), "{faults:?}");
    // The letter leaves all the same, in our words.
    assert!(render(&specimens().remove(0).letter, &templates).unwrap().text.contains("Loggens läge"));
}

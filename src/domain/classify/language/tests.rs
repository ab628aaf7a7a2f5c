use crate::domain::classify::{Input, Policies, RuleSet, classify};

fn language(rules: &RuleSet, text: &str) -> (Option<String>, bool, bool) {
    let found = classify(rules, &Policies::default(), &Input { text, ..Input::default() });
    let unread = found.findings.iter().any(|one| one.rule == "unreadable-language");
    (found.language, unread, found.needs_answer)
}

#[test]
fn what_the_rules_cannot_read_is_named_and_wants_an_answer() {
    let rules = RuleSet::embedded();
    for (text, code) in [
        ("Milloin kirjasto aukeaa?", "fi"),
        ("Miksi katu on vieläkin auraamatta", "fi"),
        ("Kiitos hyvästä palvelusta", "fi"),
        ("Met emmä saa kläpit päivähoithoon", "fit"),
        ("Goas girjerádju lea rabas?", "se"),
        ("Gåsse girjjevuorkká la rabás?", "smj"),
        ("Gosse gærjagåetie lea rïhpesne?", "sma"),
        ("متى تفتح المكتبة؟", "ar"),
        ("کتابخانه کی باز می‌شود؟", "fa"),
        ("کتێبخانە کەی دەکرێتەوە؟", "ckb"),
        ("Коли відкривається бібліотека?", "uk"),
        ("Когда открывается библиотека?", "ru"),
        ("Kiedy otwiera się biblioteka?", "pl"),
        ("Waa goorma maktabaddu furmayso?", "so"),
        ("Kaj si e phral taj amen romani chib", "rom"),
        ("ቤተ መጻሕፍቲ መዓስ ይኽፈት?", "ti"),
        ("Pirtûkxane kengî vedibe, hûn dizanin? Ez ê werim", "ku"),
        ("Kütüphane ne zaman açılıyor?", "tr"),
        ("Wann öffnet die Bibliothek?", "de"),
        ("图书馆什么时候开门", "zh"),
        // Swedish words beside it do not make it readable.
        ("Hej! Jag undrar en sak. Milloin kirjasto aukeaa ja mistä saa kortin?", "fi"),
        ("Hej på er allihop. اهلا وسهلا بكم في المدينة", "ar"),
    ] {
        let found = language(&rules, text);
        assert_eq!(found, (Some(code.to_owned()), true, true), "{text}");
    }
}

#[test]
fn short_texts_names_loan_words_and_read_languages_are_read() {
    let rules = RuleSet::embedded();
    for text in [
        "",
        "ok",
        "Ja!",
        "Tack!",
        "👍👍👍",
        "https://www.example.se/abc",
        "www.exempel.se",
        "Anna Karlsson",
        "Mohammed Al-Hassan",
        "Pekka Hämäläinen",
        "Aino Virtanen Kaarina Lehtonen",
        "Heja Mjällby!",
        "wow nice",
        "C'est la vie!",
        "Hakuna matata",
        "Grattis Haaland!",
        "Jaaaaa",
        "Se och lär",
        "Kiruna Gällivare Jokkmokk",
        "Jukkasjärvi Karesuando Soppero",
        "Mamma Mia the Party",
        "Pizza hos Mario",
        "Jättegod mat",
        "o god mat",
        "Enligt Berg sa Lind: Ja",
        "Where can I pay my invoice?",
        "Når åpner svømmehallen?",
        "Hvornår åbner svømmehallen?",
        "Tack så mycket! Shukran",
        "Она sa: hej på er allihop i kommunen",
        "12 345",
        "Din іdіоt",
        "D i n  i d i o t",
        "V1lk3n 1d10t",
        "Skiiiiitbra jobbat",
        "☀️☀️",
        "?",
        "Kl 14?",
    ] {
        let (code, unread, _) = language(&rules, text);
        assert!(!unread, "{text}: {code:?}");
    }
}

//! The templates and the one style, built in.

use base64::prelude::{BASE64_STANDARD, Engine};
use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value, context};

use crate::archive::sha256;
use crate::domain::roster::Person;

/// The style; it stands in the page, and the policy lets through nothing else.
const STYLE: &str = include_str!("pages/style.css");

const TEMPLATES: [(&str, &str); 8] = [
    ("layout.html", include_str!("pages/layout.html")),
    ("case.html", include_str!("pages/case.html")),
    ("form.html", include_str!("pages/form.html")),
    ("media.html", include_str!("pages/media.html")),
    ("hand.html", include_str!("pages/hand.html")),
    ("confirm.html", include_str!("pages/confirm.html")),
    ("message.html", include_str!("pages/message.html")),
    // The letters' words for what to do where somebody is in danger: page and letter say the same.
    ("words.txt", include_str!("../../config/letters/sv/words.txt")),
];

/// What is shown when not even a page of words can be made.
const BARE: &str = "<!doctype html><html lang=\"sv\"><title>Något gick fel</title><h1>Något gick fel</h1>\
                    <p>Ingenting har ändrats. Försök igen om en stund.</p></html>";

/// The templates, ready to be filled.
#[derive(Debug)]
pub(super) struct Pages {
    environment: Environment<'static>,
}

/// `Content-Security-Policy`: no script, no image, nothing from elsewhere; the one style by its hash.
pub(super) fn policy() -> String {
    format!(
        "default-src 'none'; style-src 'sha256-{}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
        BASE64_STANDARD.encode(sha256(STYLE.as_bytes()))
    )
}

impl Pages {
    pub(super) fn new() -> Self {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        match SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build() {
            Ok(syntax) => environment.set_syntax(syntax),
            Err(error) => tracing::error!(%error, "the syntax of the pages is at fault"),
        }
        environment.set_auto_escape_callback(|_| AutoEscape::Html);
        environment.add_global("style", Value::from_safe_string(STYLE.to_owned()));
        for (name, source) in TEMPLATES {
            if let Err(error) = environment.add_template(name, source) {
                // A build that passed its tests never comes here.
                tracing::error!(name, kind = %error.kind(), line = error.line(), "a page's template is at fault");
            }
        }
        Self { environment }
    }

    /// The page `name` filled with `values`. `None` when it cannot be made; the log says where the template is at fault, without
    /// any of the values.
    pub(super) fn render(&self, name: &str, values: &Value) -> Option<String> {
        let rendered = self.environment.get_template(name).and_then(|template| template.render(values));
        rendered
            .inspect_err(|error| {
                tracing::error!(name = error.name().unwrap_or(name), kind = %error.kind(), line = error.line(),
                    "a page could not be made");
            })
            .ok()
    }

    /// A page of words, such as "the page does not exist".
    pub(super) fn message(
        &self,
        organisation: &str,
        title: &str,
        text: &str,
        contact: Option<&Person>,
        help: bool,
    ) -> String {
        let values = context! {
            organisation, title, text, help,
            contact => contact.map(|person| context! { name => &person.name, email => &person.email }),
        };
        self.render("message.html", &values).unwrap_or_else(|| BARE.to_owned())
    }
}

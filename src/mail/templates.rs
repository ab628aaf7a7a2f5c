//! The words of the letters: built in, replaceable by the municipality, checked at start.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value};

use super::render::{VERBATIM, render};
use super::specimen::specimens;

/// Every template: a pair for each kind of letter, and the parts that they share.
const BUILT_IN: [(&str, &str); 19] = [
    ("duties.txt", include_str!("../../config/letters/sv/duties.txt")),
    ("duties.html", include_str!("../../config/letters/sv/duties.html")),
    ("urgent.txt", include_str!("../../config/letters/sv/urgent.txt")),
    ("urgent.html", include_str!("../../config/letters/sv/urgent.html")),
    ("daily_summary.txt", include_str!("../../config/letters/sv/daily_summary.txt")),
    ("daily_summary.html", include_str!("../../config/letters/sv/daily_summary.html")),
    ("first_night.txt", include_str!("../../config/letters/sv/first_night.txt")),
    ("first_night.html", include_str!("../../config/letters/sv/first_night.html")),
    ("registrar.txt", include_str!("../../config/letters/sv/registrar.txt")),
    ("registrar.html", include_str!("../../config/letters/sv/registrar.html")),
    ("technical.txt", include_str!("../../config/letters/sv/technical.txt")),
    ("technical.html", include_str!("../../config/letters/sv/technical.html")),
    ("entered.txt", include_str!("../../config/letters/sv/entered.txt")),
    ("entered.html", include_str!("../../config/letters/sv/entered.html")),
    ("item.txt", include_str!("../../config/letters/sv/item.txt")),
    ("item.html", include_str!("../../config/letters/sv/item.html")),
    ("foot.txt", include_str!("../../config/letters/sv/foot.txt")),
    ("layout.html", include_str!("../../config/letters/sv/layout.html")),
    ("words.txt", include_str!("../../config/letters/sv/words.txt")),
];

/// A template larger than this is no letter.
const LARGEST: usize = 256 * 1024;

/// What is wrong with a template.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// A file cannot be read.
    #[error("could not read the letter template {}: {source}", path.display())]
    Unreadable {
        /// Which file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file has a name that no letter uses.
    #[error("{} is no letter template; the names are {known}", path.display())]
    UnknownName {
        /// Which file.
        path: PathBuf,
        /// The names that are used.
        known: String,
    },
    /// A template does not work, or leaves out what a letter must say.
    #[error("letter template {name}: {what}")]
    Faulty {
        /// Which template.
        name: String,
        /// What is wrong, without any letter's content.
        what: String,
    },
}

/// The templates in use.
#[derive(Debug)]
pub struct Templates {
    built_in: Environment<'static>,
    /// With the municipality's own files in place of the built-in ones; `None` without any.
    own: Option<Environment<'static>>,
}

impl Templates {
    /// The built-in templates.
    ///
    /// # Errors
    /// [`TemplateError::Faulty`] never in a build that passed its tests.
    pub fn built_in() -> Result<Self, TemplateError> {
        Ok(Self { built_in: environment(&BTreeMap::new())?, own: None })
    }

    /// The built-in templates, with each file in `folder` in place of the one of the same name; all checked.
    ///
    /// # Errors
    /// The first fault found; see [`Templates::faults`] for all of them.
    pub fn load(folder: &Path) -> Result<Self, TemplateError> {
        let own = read(folder)?;
        let mut templates = Self::built_in()?;
        if !own.is_empty() {
            templates.own = Some(environment(&own)?);
        }
        match templates.faults().into_iter().next() {
            Some(fault) => Err(fault),
            None => Ok(templates),
        }
    }

    /// Renders a specimen of every kind, with every variable present and with every optional one absent, and says
    /// what fails or is missing.
    pub fn faults(&self) -> Vec<TemplateError> {
        let checked = Self { built_in: self.own.as_ref().unwrap_or(&self.built_in).clone(), own: None };
        let mut faults = Vec::new();
        for specimen in specimens() {
            let code = specimen.letter.kind().code();
            match render(&specimen.letter, &checked) {
                Err(error) => faults.push(error),
                Ok(rendered) => {
                    let html = rendered.html.replace("&#x2f;", "/").replace("&amp;", "&");
                    for (name, part) in
                        [(format!("{code}.txt"), &rendered.text), (format!("{code}.html"), &html)]
                    {
                        for needed in specimen.needed.iter().filter(|needed| !part.contains(needed.as_str()))
                        {
                            faults.push(TemplateError::Faulty {
                                name: name.clone(),
                                what: format!("leaves out `{needed}`"),
                            });
                        }
                    }
                    if let Some(what) = html_fault(&rendered.html) {
                        faults.push(TemplateError::Faulty { name: format!("{code}.html"), what });
                    }
                }
            }
        }
        faults.dedup_by_key(|fault| fault.to_string());
        faults
    }

    pub(super) fn render(&self, name: &str, context: &Value) -> Result<String, TemplateError> {
        if let Some(own) = &self.own {
            match render_in(own, name, context) {
                Ok(text) => return Ok(text),
                Err(error) => {
                    tracing::warn!(template = name, %error, "the built-in letter template is used instead");
                }
            }
        }
        render_in(&self.built_in, name, context)
    }
}

/// Accessible and self-contained (L21, R94): one heading of the first rank, the language, nothing from outside.
fn html_fault(html: &str) -> Option<String> {
    let lower = html.to_lowercase();
    if lower.matches("<h1").count() != 1 {
        return Some("must have exactly one <h1>".to_owned());
    }
    if !lower.contains("<html lang=\"sv\">") || !lower.contains("<title>") {
        return Some("must begin with <html lang=\"sv\"> and have a <title>".to_owned());
    }
    ["<img", "<script", "<link", "<iframe", "<object", " src=", "url(", "@import"]
        .iter()
        .find(|word| lower.contains(**word))
        .map(|word| format!("may not hold `{}`: a letter fetches nothing and runs nothing", word.trim()))
}

fn render_in(environment: &Environment<'_>, name: &str, context: &Value) -> Result<String, TemplateError> {
    environment
        .get_template(name)
        .and_then(|template| template.render(context))
        .map_err(|error| faulty(name, &error))
}

/// Kind, file and line; not minijinja's debug text, which shows the values.
fn faulty(name: &str, error: &minijinja::Error) -> TemplateError {
    // An include wraps the fault of the included file; the innermost one is where the mistake stands.
    let mut innermost = error;
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        innermost = cause.downcast_ref().unwrap_or(innermost);
        next = cause.source();
    }
    let error = innermost;
    let file = error.name().unwrap_or(name).to_owned();
    let line = error.line().map(|line| format!("line {line}: ")).unwrap_or_default();
    let detail = error.detail().map(|detail| format!(" ({detail})")).unwrap_or_default();
    TemplateError::Faulty { name: file, what: format!("{line}{}{detail}", error.kind()) }
}

fn environment(own: &BTreeMap<String, String>) -> Result<Environment<'static>, TemplateError> {
    let mut environment = Environment::new();
    let syntax = SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .keep_trailing_newline(true)
        .build()
        .map_err(|error| faulty("syntax", &error))?;
    environment.set_syntax(syntax);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|name| {
        if Path::new(name).extension().is_some_and(|ending| ending == "html") {
            AutoEscape::Html
        } else {
            AutoEscape::None
        }
    });
    environment.add_filter("verbatim", |text: String| -> String {
        text.lines().map(|line| format!("{VERBATIM}{line}")).collect::<Vec<_>>().join("\n")
    });
    for (name, built_in) in BUILT_IN {
        let source = own.get(name).map_or(built_in, String::as_str);
        environment.add_template_owned(name, source.to_owned()).map_err(|error| faulty(name, &error))?;
    }
    Ok(environment)
}

fn read(folder: &Path) -> Result<BTreeMap<String, String>, TemplateError> {
    let unreadable = |path: &Path| {
        let path = path.to_owned();
        move |source| TemplateError::Unreadable { path, source }
    };
    let mut own = BTreeMap::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable(folder))? {
        let path = entry.map_err(unreadable(folder))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with('.') || name.ends_with('~') {
            // What editors leave behind.
            continue;
        }
        if !BUILT_IN.iter().any(|(known, _)| *known == name) {
            let known = BUILT_IN.map(|(known, _)| known).join(", ");
            return Err(TemplateError::UnknownName { path, known });
        }
        let text = std::fs::read_to_string(&path).map_err(unreadable(&path))?;
        if text.len() > LARGEST {
            return Err(TemplateError::Faulty { name, what: format!("is larger than {LARGEST} bytes") });
        }
        own.insert(name, text);
    }
    Ok(own)
}

#[cfg(test)]
mod tests;

//! A report about one recorded run, or about a file before it is imported: what people read, and what programs do.
//!
//! [`facts`] is what was read of the run log, or decided about a file; [`model`] is the report that [`build`] makes of it, and
//! its JSON form; [`verdict`] is the one rule for the word on top. The renderers ([`text`], [`markdown`], [`html`], [`json`])
//! show nothing that the JSON form lacks. [`words`] spells numbers for all of them. Pure.

mod build;
pub mod facts;
pub mod html;
pub mod json;
pub mod live;
pub mod markdown;
pub mod model;
pub mod text;
pub mod verdict;
mod words;

#[cfg(test)]
mod tests;

pub use self::facts::Facts;
pub use self::model::{FileReport, Report, RunReport};

macro_rules! formats {
    ($($(#[doc = $doc:literal])+ $format:ident = $name:literal,)+) => {
        /// How a report is written.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Format {
            $($(#[doc = $doc])+ $format,)+
        }

        impl Format {
            pub const NAMES: &'static [&'static str] = &[$($name,)+];

            pub fn of(name: &str) -> Option<Format> {
                match name {
                    $($name => Some(Format::$format),)+
                    _ => None,
                }
            }
        }
    };
}

formats! {
    /// Columns of fixed width, to be pasted into a ticket.
    Text = "text",
    /// GitHub's Markdown.
    Markdown = "markdown",
    /// One page that needs nothing from elsewhere.
    Html = "html",
    /// The form of docs/report.schema.json.
    Json = "json",
}

impl Report {
    pub fn render(&self, format: Format) -> String {
        match format {
            Format::Text => joined(&text::paragraphs(self)),
            Format::Markdown => joined(&markdown::paragraphs(self)),
            Format::Html => html::render(self),
            Format::Json => json::render(self),
        }
    }
}

fn joined(paragraphs: &[String]) -> String {
    let mut text = paragraphs.join("\n");
    text.push('\n');
    text
}

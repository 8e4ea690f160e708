//! The small parts of a page.

use maud::{Markup, PreEscaped, html};

use crate::report::words::{lines, one_line};

/// Characters that are shown of a text at once.
const SHORT: usize = 240;

/// A text that is not ours.
pub fn text(text: &str) -> Markup {
    let shown = one_line(text);
    html! { @if is_long(&shown) { (folded(&shown, false)) } @else { bdi { (shown) } } }
}

/// As far as a label or a heading goes.
pub fn short(text: &str) -> String {
    let shown = one_line(text);
    match shown.char_indices().nth(SHORT / 2) {
        Some((at, _)) if is_long(&shown) => format!("{}…", shown.split_at(at).0),
        _ => shown.into_owned(),
    }
}

/// A name, a value or SQL.
pub fn code(text: &str) -> Markup {
    let shown = one_line(text);
    html! { @if is_long(&shown) { (folded(&shown, true)) } @else { code { bdi { (shown) } } } }
}

/// Lines that are kept as they are, and can be scrolled with the keyboard.
pub fn block(label: &str, text: &str) -> Markup {
    html! { pre tabindex="0" role="region" aria-label=(short(label)) { code { (lines(text)) } } }
}

fn is_long(text: &str) -> bool {
    text.len() > SHORT && text.chars().count() > SHORT
}

fn folded(text: &str, code: bool) -> Markup {
    let beginning: String = text.chars().take(SHORT / 2).collect();
    html! {
        details.long {
            summary { bdi { (beginning) "…" } }
            @if code { code { bdi { (text) } } } @else { bdi { (text) } }
        }
    }
}

/// A wide thing that can be scrolled, with the keyboard as well.
pub fn scroll(label: &str, inner: &Markup) -> Markup {
    html! { div.scroll tabindex="0" role="region" aria-label=(short(label)) { (inner) } }
}

/// A name, whose lines break where its words end. The end of a long one is left out: names stand in headings and summaries, where
/// nothing can be unfolded.
pub fn name(name: &str) -> Markup {
    let shown = short(name);
    let words = shown.split_inclusive(['_', '.', '-', ' ']);
    html! { bdi { @for (at, word) in words.enumerate() { @if at > 0 { wbr; } (word) } } }
}

/// A number, and its part of the largest one as a line.
pub fn measure(number: &str, share: f64) -> Markup {
    let width = format!("width:{:.1}%", share.clamp(0.0, 1.0) * 100.0);
    html! { div.measure { span.bar aria-hidden="true" { i style=(width) {} } span { (number) } } }
}

/// A part of a track, at least as wide as can be seen.
pub fn span(from: f64, to: f64) -> Markup {
    let place = format!("left:{:.2}%;width:{:.2}%", from * 100.0, (to - from).max(0.0) * 100.0);
    html! { i style=(place) {} }
}

/// The first items, and the others folded away.
pub fn some_first<T>(items: &[T], most: usize, what: &str, show: impl Fn(&[T]) -> Markup) -> Markup {
    let (first, others) = items.split_at(most.min(items.len()));
    html! {
        (show(first))
        @if !others.is_empty() {
            details.more { summary { (crate::report::words::grouped(others.len() as i64)) " more " (what) } (show(others)) }
        }
    }
}

/// A picture beside a verdict: the word says the same.
pub fn icon(tone: &str) -> Markup {
    let path = match tone {
        "pass" => "M5 12.5l4.5 4.5L19 7.5",
        "investigate" => "M12 5v9M12 18.4v.2",
        "roll-back" => "M9 6L4 11l5 5M4.5 11H15a5 5 0 0 1 0 10h-3",
        _ => "M8.5 9a3.5 3.5 0 1 1 5 3.2c-1 .5-1.5 1.2-1.5 2.3M12 18.4v.2",
    };
    let svg = format!(
        "<svg viewBox=\"0 0 24 24\" width=\"24\" height=\"24\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"2.4\" \
         stroke-linecap=\"round\" stroke-linejoin=\"round\" aria-hidden=\"true\"><path d=\"{path}\"/></svg>"
    );
    PreEscaped(svg)
}

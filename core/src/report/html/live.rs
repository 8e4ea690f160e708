//! The page of running imports, which asks the browser to load it again.

use maud::{Markup, html};

use super::head::footer;
use super::parts::{name, scroll, short, text};
use crate::progress;
use crate::report::live::{Ended, Live, Running};
use crate::report::words::{grouped, moment, percent, seconds, spaced};

/// `refresh` is in seconds; `None` for a page that stays as it is.
pub fn render(live: &Live, refresh: Option<u32>) -> String {
    let body = html! {
        header {
            p.over { "PostgreSQL " (text(&live.server.version)) }
            h1 { "Running imports" }
        }
        main {
            @if live.running.is_empty() { p.idle #running { "No import is running." } }
            @for running in &live.running { (card(running)) }
            @if !live.ended.is_empty() { section aria-labelledby="h-ended" { h2 #h-ended { "Ended last" } (scroll("Runs that ended last", &ended(&live.ended))) } }
        }
        (footer(&live.server))
    };
    let title = match live.running.first() {
        Some(running) => {
            format!("{}: {}", spaced(&running.phase), running.title.as_deref().unwrap_or("import"))
        }
        None => "no import is running".to_owned(),
    };
    super::page(&title, "neutral", refresh, &body)
}

fn card(running: &Running) -> Markup {
    let heading = format!("h-{}", running.pid);
    html! {
        section.running aria-labelledby=(heading) {
            h2 id=(heading) {
                (spaced(&running.phase))
                @if let (Some(number), Some(of)) = (running.table_number, running.tables) { span.count { " table " (number) " of " (of) } }
            }
            @if let Some(title) = &running.title { p { (name(title)) } }
            @if let Some(share) = running.share() { (meter(running, share)) }
            dl.figures { @for (number, label) in figures(running) { div { dt { (label) } dd { (number) } } } }
            p.soft {
                @if let Some(run) = running.run { "Run " (run) ", " }
                "session " (running.pid) @if let Some(database) = &running.database { ", database " (text(database)) }
            }
        }
    }
}

fn meter(running: &Running, share: f64) -> Markup {
    let width = format!("width:{:.1}%", share * 100.0);
    let label = running.title.as_deref().unwrap_or(&running.phase);
    html! {
        div.meter role="progressbar" aria-label=(short(label)) aria-valuemin="0" aria-valuemax="100" aria-valuenow=(format!("{:.0}", share * 100.0)) {
            i style=(width) {}
        }
    }
}

fn figures(running: &Running) -> Vec<(String, &'static str)> {
    let mut figures = vec![];
    figures.extend(running.share().map(|share| (percent(share), "of the step")));
    if let Some(rows) = running.rows {
        let of = running.rows_total.map(|total| format!(" of {}", grouped(total))).unwrap_or_default();
        figures.push((format!("{}{of}", grouped(rows)), "rows"));
    }
    figures.extend(running.rows_per_second.map(|rate| (progress::short(rate), "rows per second")));
    figures.extend(running.eta.map(|eta| (progress::time(eta.ceil()), "left for the load")));
    if let (Some(step), Some(steps)) = (running.step, running.steps) {
        figures.push((format!("{step} of {steps}"), "steps"));
    }
    figures.extend(running.elapsed.map(|elapsed| (seconds(elapsed), "since the call")));
    figures
}

fn ended(ended: &[Ended]) -> Markup {
    html! {
        table {
            thead { tr { th scope="col" { "file" } th.number scope="col" { "run" } th.number scope="col" { "rows" } th.number scope="col" { "time" } th scope="col" { "ended" } } }
            tbody { @for run in ended { tr {
                th scope="row" { (name(&run.path)) }
                td.number { (run.id) }
                td.number { (grouped(run.rows)) }
                td.number { (seconds(run.seconds)) }
                td { time datetime=(run.finished_at) { (moment(&run.finished_at)) } }
            } } }
        }
    }
}

//! Harm by rule as a picture: for each rate a panel, for each rule a mark for a green that fails a fifth
//! of its requests and one for a green that fails all. Plain SVG for light and dark ground; owns no
//! figure.

use std::fmt::Write as _;

use super::cell::{Harm, Row};
use super::tables::{Measured, Table};
use super::text::percent;

/// Widths and heights, in pixels of the picture.
const WIDTH: f64 = 940.0;
const LEFT: f64 = 330.0;
const RIGHT: f64 = 130.0;
const HEAD: f64 = 104.0;
const PANEL_HEAD: f64 = 34.0;
const ROW: f64 = 24.0;
const PANEL_FOOT: f64 = 30.0;
const FOOT: f64 = 30.0;
/// The axis goes from one visitor to a million, ten times as many at each line.
const POWERS: u8 = 6;
/// What is drawn: one baseline, in which most of the other tables are given too.
const BLUE_FAILS: f64 = 0.005;

/// Colours by the ground that the viewer has, each with a contrast of at least 4.5 for text and 3 for
/// marks on its ground (WCAG 2.2, 1.4.3 and 1.4.11).
const STYLE: &str = "\
svg{font:13px system-ui,sans-serif}.ground{fill:#fff}\
text{fill:#1f2328}.quiet{fill:#59636e}.axis{stroke:#d1d9e0}.ours{fill:#0a58ca;stroke:#0a58ca}\
.other{fill:#59636e;stroke:#59636e}.all{fill:none;stroke-width:2}.title{font-size:16px;font-weight:600}\
.name{font-weight:600}\
@media (prefers-color-scheme:dark){.ground{fill:#0d1117}text{fill:#e6edf3}.quiet{fill:#9198a1}\
.axis{stroke:#3d444d}.ours{fill:#6cb2ff;stroke:#6cb2ff}.other{fill:#9198a1;stroke:#9198a1}\
.all{fill:none}}";

/// What the two marks stand for, as the cells are called.
const MARKS: [&str; 2] = ["20%", "100%"];

/// The picture; none where no cell that it shows was measured.
pub(super) fn svg(measured: &[Measured]) -> Option<String> {
    let is_shown = |cell: &&Measured| {
        cell.table == Table::BadReleases
            && MARKS.contains(&cell.what.as_str())
            && (cell.error_rate - BLUE_FAILS).abs() < 1e-9
    };
    let shown: Vec<_> = measured.iter().filter(is_shown).collect();
    let is_good = |cell: &&Measured| {
        cell.table == Table::GoodReleases && (cell.error_rate - BLUE_FAILS).abs() < 1e-9
    };
    let good: Vec<_> = measured.iter().filter(is_good).collect();
    let panels: Vec<_> = shown.chunk_by(|a, b| same_rate(a, b)).collect();
    let rules: Vec<_> =
        std::iter::once("Towpath").chain(shown.first()?.cell.beside.names()).collect();
    let panel_height = PANEL_HEAD + ROW * real(rules.len()) + PANEL_FOOT;
    let height = HEAD + panel_height * real(panels.len()) + FOOT;
    let title = "Visitors harmed until a bad release is back";
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" \
         height=\"{height}\" role=\"img\" aria-label=\"{title}\">\n<title>{title}</title>\n\
         <style>{STYLE}</style>\n<rect class=\"ground\" width=\"100%\" height=\"100%\"/>\n"
    );
    label(&mut text, (16.0, 28.0), "title", "start", title);
    let what = "Requests harmed per rollout, mean with its 95% interval, logarithmic; blue fails 0.5%. \
                Declared warm-ups included.";
    label(&mut text, (16.0, 50.0), "quiet", "start", what);
    legend(&mut text);
    for (index, panel) in panels.iter().enumerate() {
        let good = good.iter().find(|cell| same_rate(cell, panel[0]));
        draw(&mut text, panel, &rules, HEAD + panel_height * real(index));
        thrown_out(&mut text, good, HEAD + panel_height * real(index));
    }
    let note = "Simulated; steps 1% for 5 minutes, 10% for 10, 50% for 15. Other rules pay no delay. Where no \
                interval shows, the mark is wider.";
    label(&mut text, (16.0, height - 12.0), "quiet", "start", note);
    text.push_str("</svg>\n");
    Some(text)
}

fn same_rate(one: &Measured, other: &Measured) -> bool {
    (one.requests_per_s - other.requests_per_s).abs() < 1e-9
}

fn legend(text: &mut String) {
    let entries = [(0, 22.0, "green fails 20% of its requests"), (1, 262.0, "green fails all")];
    for (mark, x, said) in entries {
        place_mark(text, "other", mark, (x, 72.0));
        label(text, (x + 14.0, 76.5), "plain", "start", said);
    }
}

fn draw(text: &mut String, cells: &[&Measured], rules: &[&str], top: f64) {
    let Some(first) = cells.first() else { return };
    let heading = format!("{} requests per second", first.requests_per_s);
    label(text, (16.0, top + 20.0), "name", "start", &heading);
    let (begin, end) = (top + PANEL_HEAD, top + PANEL_HEAD + ROW * real(rules.len()));
    for power in 0..=POWERS {
        let count = 10_f64.powi(i32::from(power));
        let x = place(count);
        let _ = writeln!(
            text,
            "<line class=\"axis\" x1=\"{x:.1}\" y1=\"{:.1}\" x2=\"{x:.1}\" y2=\"{end:.1}\"/>",
            begin - 4.0
        );
        let said = ["1", "10", "100", "1,000", "10,000", "100,000", "1,000,000"];
        label(text, (x, end + 15.0), "quiet", "middle", said[usize::from(power)]);
    }
    for (index, rule) in rules.iter().enumerate() {
        let y = begin + ROW * (real(index) + 0.5);
        let (class, name) = if index == 0 { ("ours", "name") } else { ("other", "plain") };
        label(text, (LEFT - 16.0, y + 4.5), name, "end", rule);
        for cell in cells {
            let mark = MARKS.iter().position(|what| cell.what == *what).unwrap_or_default();
            if let Some(row) = cell.outcome.rows.get(index) {
                whiskers(text, class, mark, row, y);
            }
        }
    }
}

/// What a rule costs that goes back soon: how many good releases it throws out.
fn thrown_out(text: &mut String, good: Option<&&Measured>, top: f64) {
    label(text, (WIDTH - 16.0, top + 20.0), "quiet", "end", "good ones thrown out");
    let rows = good.map(|cell| cell.outcome.rows.iter()).into_iter().flatten();
    for (index, row) in rows.enumerate() {
        let y = top + PANEL_HEAD + ROW * (real(index) + 0.5) + 4.5;
        let class = if index == 0 { "name" } else { "plain" };
        let said = percent((row.went_back().0 * 1e3).round() / 1e3);
        label(text, (WIDTH - 16.0, y), class, "end", &said);
    }
}

fn whiskers(text: &mut String, class: &str, mark: usize, row: &Row, y: f64) {
    let Harm { mean, error } = row.harm_at_all();
    let [low, high] = [-1.96, 1.96].map(|errors| place(mean + errors * error));
    let _ = writeln!(
        text,
        "<line class=\"{class}\" x1=\"{low:.1}\" y1=\"{y:.1}\" x2=\"{high:.1}\" y2=\"{y:.1}\" \
         stroke-width=\"2\"/>"
    );
    place_mark(text, class, mark, (place(mean), y));
}

/// A full disc for the first, an empty square for the second.
fn place_mark(text: &mut String, class: &str, mark: usize, (x, y): (f64, f64)) {
    let _ = if mark == 0 {
        writeln!(text, "<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"5\"/>")
    } else {
        let (left, top) = (x - 5.0, y - 5.0);
        writeln!(
            text,
            "<rect class=\"{class} all\" x=\"{left:.1}\" y=\"{top:.1}\" width=\"10\" height=\"10\"/>"
        )
    };
}

fn place(count: f64) -> f64 {
    let share = count.max(1.0).log10() / f64::from(POWERS);
    LEFT + share.min(1.0) * (WIDTH - LEFT - RIGHT)
}

fn label(text: &mut String, (x, y): (f64, f64), class: &str, anchor: &str, said: &str) {
    let said = said.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let _ = writeln!(
        text,
        "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{said}</text>"
    );
}

fn real(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

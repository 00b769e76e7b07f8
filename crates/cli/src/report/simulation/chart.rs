//! A simulation as a picture: for each release a panel, for each rule a dot with its interval. Plain
//! SVG that is readable on light and on dark ground; owns no figure.

use std::fmt::Write as _;

use super::{RowView, ScenarioView, SimulationView};
use crate::report::style::{grouped, percent};

/// Widths and heights, in pixels of the picture.
const WIDTH: f64 = 760.0;
const LEFT: f64 = 190.0;
const RIGHT: f64 = 110.0;
const ROW: f64 = 22.0;
const HEAD: f64 = 60.0;
const PANEL_HEAD: f64 = 34.0;
const PANEL_FOOT: f64 = 34.0;
/// Characters of a name that fit on its left side.
const LONGEST_NAME: usize = 20;

/// Colours by the ground that the viewer has: text, lines, the policies and the other tools. Each has
/// a contrast of at least 4.5 on its ground (WCAG 2.2, 1.4.3).
const STYLE: &str = "\
svg{font:13px system-ui,sans-serif}.ground{fill:#fff}\
text{fill:#1f2328}.quiet{fill:#59636e}.axis{stroke:#d1d9e0}.ours{fill:#0a58ca;stroke:#0a58ca}\
.other{fill:#59636e;stroke:#59636e}.title{font-size:15px;font-weight:600}.name{font-weight:600}\
@media (prefers-color-scheme:dark){.ground{fill:#0d1117}text{fill:#e6edf3}.quiet{fill:#9198a1}\
.axis{stroke:#3d444d}.ours{fill:#6cb2ff;stroke:#6cb2ff}.other{fill:#9198a1;stroke:#9198a1}}\
text.ours,text.other{stroke:none}";

/// The picture.
pub(crate) fn svg(view: &SimulationView) -> String {
    let heights = view.scenarios.iter().map(|it| panel_height(it.rows.len()));
    let height = HEAD + heights.sum::<f64>() + 12.0;
    let title = format!("What the rollout into {} would do", view.environment);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" \
         height=\"{height}\" role=\"img\" aria-label=\"{0}\">\n<title>{0}</title>\n<style>{STYLE}</style>\n\
         <rect class=\"ground\" width=\"100%\" height=\"100%\"/>\n",
        escaped(&title)
    );
    let traffic = format!(
        "{} requests/s, {} fail today; {} rollouts of each release; whiskers are intervals of 95%",
        plain(view.traffic.requests_per_second),
        percent(view.traffic.error_rate),
        grouped(view.runs)
    );
    label(&mut text, (16.0, 26.0), "title", "start", &title);
    label(&mut text, (16.0, 46.0), "quiet", "start", &traffic);
    let most = view.scenarios.iter().filter(|it| it.fault.is_some()).flat_map(|it| &it.rows);
    let most = most.map(|row| row.harmed.high.unwrap_or(row.harmed.value)).fold(1.0, f64::max);
    let mut top = HEAD;
    for scenario in &view.scenarios {
        panel(&mut text, scenario, top, most);
        top += panel_height(scenario.rows.len());
    }
    text.push_str("</svg>\n");
    text
}

fn panel_height(rows: usize) -> f64 {
    PANEL_HEAD + ROW * real(rows) + PANEL_FOOT
}

/// What a place on an axis stands for.
#[derive(Clone, Copy)]
enum Axis {
    /// Shares of 1, up to the largest.
    Shares(f64),
    /// Counts from a tenth to a power of ten, each ten times the one before at the same distance.
    Counts(i32),
}

impl Axis {
    fn place(self, value: f64) -> f64 {
        let share = match self {
            Self::Shares(most) => value / most,
            Self::Counts(powers) => (value.max(0.1).log10() + 1.0) / f64::from(powers + 1),
        };
        LEFT + share.clamp(0.0, 1.0) * (WIDTH - LEFT - RIGHT)
    }

    fn ticks(self) -> Vec<(f64, String)> {
        match self {
            Self::Shares(most) => {
                [0.0, 0.5, 1.0].map(|part| (part * most, percent(part * most))).to_vec()
            }
            Self::Counts(powers) => {
                (-1..=powers).map(|power| (10_f64.powi(power), plain(10_f64.powi(power)))).collect()
            }
        }
    }
}

fn panel(text: &mut String, scenario: &ScenarioView, top: f64, most_harmed: f64) {
    let is_good = scenario.fault.is_none();
    let axis = if is_good {
        let highest = scenario.rows.iter().map(|row| row.went_back.high).fold(0.0, f64::max);
        // The smallest round share that holds all of them.
        let most = [0.02, 0.05, 0.1, 0.2, 0.5].into_iter().find(|most| highest <= *most);
        Axis::Shares(most.unwrap_or(1.0))
    } else {
        #[expect(clippy::cast_possible_truncation, reason = "a power of ten")]
        Axis::Counts(most_harmed.max(10.0).log10().ceil() as i32)
    };
    let what = if is_good { "thrown out" } else { "requests harmed, mean" };
    label(text, (16.0, top + 20.0), "name", "start", &scenario.name);
    label(text, (WIDTH - 16.0, top + 20.0), "quiet", "end", what);
    let (first, last) = (top + PANEL_HEAD, top + PANEL_HEAD + ROW * real(scenario.rows.len()));
    for (value, tick) in axis.ticks() {
        let x = axis.place(value);
        let _ = writeln!(
            text,
            "<line class=\"axis\" x1=\"{x:.1}\" y1=\"{:.1}\" x2=\"{x:.1}\" y2=\"{last:.1}\"/>",
            first - 6.0
        );
        label(text, (x, last + 14.0), "quiet", "middle", &tick);
    }
    for (index, row) in scenario.rows.iter().enumerate() {
        dot(text, row, axis, first + ROW * (real(index) + 0.5), is_good);
    }
}

fn dot(text: &mut String, row: &RowView, axis: Axis, y: f64, is_good: bool) {
    let (value, low, high) = if is_good {
        (row.went_back.share, row.went_back.low, row.went_back.high)
    } else {
        let harmed = &row.harmed;
        (harmed.value, harmed.low, harmed.high.unwrap_or(harmed.value))
    };
    let class = if row.is_policy { "ours" } else { "other" };
    let [x, from, to] = [value, low, high].map(|it| axis.place(it));
    let weight = if row.is_policy { "name" } else { "plain" };
    label(text, (LEFT - 14.0, y + 4.5), weight, "end", &shortened(&row.rule));
    let _ = writeln!(
        text,
        "<line class=\"{class}\" x1=\"{from:.1}\" y1=\"{y:.1}\" x2=\"{to:.1}\" y2=\"{y:.1}\" stroke-width=\"2\"/>\
         <circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4.5\"/>"
    );
    let said = if is_good { percent((value * 1000.0).round() / 1000.0) } else { plain(value) };
    label(text, (WIDTH - 16.0, y + 4.5), class, "end", &said);
}

fn label(text: &mut String, (x, y): (f64, f64), class: &str, anchor: &str, said: &str) {
    let said = escaped(said);
    let _ = writeln!(
        text,
        "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{said}</text>"
    );
}

/// The end of a name tells files apart.
fn shortened(name: &str) -> String {
    let length = name.chars().count();
    if length <= LONGEST_NAME {
        return name.to_owned();
    }
    let end: String = name.chars().skip(length + 1 - LONGEST_NAME).collect();
    format!("\u{2026}{end}")
}

fn plain(value: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative")]
    let whole = value.max(0.0).round() as u64;
    if value >= 99.95 {
        grouped(whole)
    } else {
        format!("{value:.1}").trim_end_matches(".0").to_owned()
    }
}

/// Names come from files: what has a meaning in SVG loses it, and what may not stand there is left out.
fn escaped(said: &str) -> String {
    let mut text = String::with_capacity(said.len());
    for character in said.chars().filter(|it| !it.is_control()) {
        match character {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '"' => text.push_str("&quot;"),
            other => text.push(other),
        }
    }
    text
}

fn real(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::simulation::{Ended, FaultView, TrafficView};

    fn view(rule: &str, all: &[Ended]) -> SimulationView {
        let row = || vec![RowView::of(rule, true, all, 0.0)];
        let fault = FaultView { error_rate: 1.0, slower: 1.0, onset_seconds: 0.0 };
        let scenario =
            |name: &str, fault| ScenarioView { name: name.to_owned(), fault, rows: row() };
        SimulationView {
            format: 1,
            environment: "live".to_owned(),
            service: "shop".to_owned(),
            runs: all.len() as u64,
            seed: 1,
            traffic: TrafficView::default(),
            policies: Vec::new(),
            peers: Vec::new(),
            scenarios: vec![scenario("a good release", None), scenario("all fail", Some(fault))],
        }
    }

    #[test]
    fn every_figure_has_a_place_whatever_it_is() {
        let back = |harmed| Ended { harmed, back_s: Some(3.0), ..Ended::default() };
        for all in [&[][..], &[Ended::default()], &[back(0.0), back(0.01)], &[back(1e12); 3]] {
            let picture = svg(&view("rule", all));
            assert!(!picture.contains("NaN") && !picture.contains("inf"), "{picture}");
            assert_eq!(picture.matches("<circle").count(), 2, "{picture}");
            for part in picture.split("cx=\"").skip(1) {
                let x: f64 = part.split('"').next().and_then(|x| x.parse().ok()).expect("a number");
                assert!((LEFT..=WIDTH - RIGHT).contains(&x), "{x}");
            }
        }
    }

    #[test]
    fn names_of_files_are_shortened_and_mean_nothing_in_a_picture() {
        let picture = svg(&view("</text><script>a&b\u{7}\".yaml", &[Ended::default()]));
        assert!(!picture.contains("<script") && !picture.contains('\u{7}'), "{picture}");
        assert!(
            picture.contains("\u{2026}") && picture.contains("a&amp;b&quot;.yaml"),
            "{picture}"
        );
    }

    #[test]
    fn the_longest_names_end_where_the_axis_begins() {
        assert_eq!(shortened("towpath.yaml"), "towpath.yaml");
        assert_eq!(shortened(&"x".repeat(50)).chars().count(), LONGEST_NAME);
    }
}

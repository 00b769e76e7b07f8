//! The row of p99 latencies, with the limit where one is declared. Owns its scale.

use maud::{Markup, html};
use towpath_engine::views::{ArmView, PointView};

use super::{Axis, scale, stretched};

/// A scale of a few round figures.
struct Scale {
    low: f64,
    high: f64,
    ticks: Vec<f64>,
}

impl Scale {
    fn of(values: impl Iterator<Item = f64> + Clone) -> Self {
        let (least, most) = values.fold((f64::INFINITY, 0.0_f64), |(least, most), value| {
            (least.min(value), most.max(value))
        });
        let least = if least.is_finite() { least } else { 0.0 };
        let range = (most - least * 0.8).max(most * 0.2).max(1e-3);
        let rough = range / 3.0;
        let unit = 10.0_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|it| it * unit).into_iter().find(|it| *it >= rough);
        let step = step.unwrap_or(unit * 10.0);
        let low = (least * 0.8 / step).floor() * step;
        let mut ticks = Vec::new();
        let mut tick = low;
        while ticks.is_empty() || (tick < most * 1.05 && ticks.len() < 6) {
            ticks.push(tick);
            tick += step;
        }
        let high = (most * 1.1).max(ticks.last().copied().unwrap_or(1.0)).max(low + step);
        Self { low, high, ticks }
    }

    fn y(&self, value: f64) -> f64 {
        (100.0 - (value - self.low) / (self.high - self.low) * 100.0).clamp(0.0, 100.0)
    }
}

pub(super) fn row(axis: &Axis<'_>) -> Markup {
    let picture = axis.picture;
    let of = |arm: &ArmView| arm.p99_ms.iter().map(|point| point.value).collect::<Vec<_>>();
    let mut values = of(&picture.green);
    values.extend(picture.blue.as_ref().map(of).unwrap_or_default());
    if values.is_empty() {
        return Markup::default();
    }
    let scaled =
        Scale::of(values.iter().copied().chain(picture.p99_limit.as_ref().map(|it| it.ms)));
    let line = |points: &[PointView]| {
        let points: Vec<_> = points.iter().map(|point| (point.at, scaled.y(point.value))).collect();
        axis.line(&points)
    };
    let last = |arm: &ArmView| arm.p99_ms.last().map(|point| words(point.value));
    let (green, blue) = (last(&picture.green), picture.blue.as_ref().and_then(last));
    let label = format!(
        "p99 of green {}, of blue {}",
        green.as_deref().unwrap_or("unknown"),
        blue.as_deref().unwrap_or("unknown")
    );
    let ticks: Vec<_> = scaled.ticks.iter().map(|tick| (scaled.y(*tick), figure(*tick))).collect();
    html! {
        div.row {
            h3 { "p99 latency " span { "ms; solid blue, dotted green" } }
            (scale(&ticks))
            div.plot.h-p99 {
                svg role="img" aria-label=(label) {
                    (axis.grid())
                    @for (y, _) in &ticks { line.ax x1="0" x2="100%" y1=(format!("{y:.1}%")) y2=(format!("{y:.1}%")) {} }
                    @if let Some(blue) = &picture.blue { (stretched(&html! { polyline.lb points=(line(&blue.p99_ms)) {} })) }
                    (stretched(&html! { polyline.lg points=(line(&picture.green.p99_ms)) {} }))
                    @if let Some(limit) = &picture.p99_limit {
                        @let y = format!("{:.1}%", scaled.y(limit.ms));
                        line.bound x1="0" x2="100%" y1=(y) y2=(y) {}
                        text.h.halo x="100%" text-anchor="end" dx="-4" y=(y) dy="-6" { (limit.words) }
                    }
                }
            }
            div.note {
                @if let Some(green) = green { p { span.arm.g { (green) } } }
                @if let Some(blue) = blue { p { span.arm.b { (blue) } } }
            }
        }
    }
}

fn figure(ms: f64) -> String {
    if ms >= 10.0 || ms == 0.0 { format!("{ms:.0}") } else { format!("{ms:.1}") }
}

fn words(ms: f64) -> String {
    format!("{} ms", figure(ms))
}

#[cfg(test)]
mod tests {
    use super::Scale;

    #[test]
    fn a_scale_has_a_few_round_figures_and_room_for_all_values() {
        for values in
            [vec![208.0, 219.0, 250.0], vec![0.8, 1.2], vec![5.0], vec![3.0, 9_000.0], vec![0.0]]
        {
            let scale = Scale::of(values.iter().copied());
            assert!((1..=6).contains(&scale.ticks.len()), "{values:?} {:?}", scale.ticks);
            for value in values {
                assert!((0.0..=100.0).contains(&scale.y(value)));
                assert!(
                    scale.low <= value && value <= scale.high,
                    "{value} in {}..{}",
                    scale.low,
                    scale.high
                );
            }
        }
    }
}

//! The quiet hour of a lane, as people read it. Chooses none.

use std::fmt::Write as _;

use towpath_engine::views::QuietHourView;

use crate::report::style::{Style, Symbol, counted, grouped, printable};

/// The label before it.
pub(crate) const LABEL: &str = "quiet hour";

/// The hour with what is usual, and what starting at once meets instead; or why none is named. `now` is when
/// the view was so.
pub(crate) fn lines(view: &QuietHourView, now: &str, style: &Style) -> Vec<String> {
    let Some(best) = &view.best else {
        let because = view.none_because.as_deref().unwrap_or("nobody knows why");
        return vec![format!("none: {}", printable(because))];
    };
    let mut first = if best.at == now { "now".to_owned() } else { printable(&best.local) };
    let _ = write!(first, ", about {} an hour", requests(best.requests));
    if let Some(busiest) = view.busiest {
        let _ = write!(first, " (busiest {})", grouped(about(busiest)));
    }
    if let Some(days) = view.days {
        let _ = write!(first, ", from {}", counted(days, "day"));
    }
    let mut lines = vec![first];
    let warning = style.symbol(Symbol::Warning);
    if let Some(earlier) = view.first.as_ref().filter(|one| one.requests > best.requests) {
        let when = if earlier.at == now { "now".to_owned() } else { printable(&earlier.local) };
        let meets = requests(earlier.requests);
        lines.push(format!("{warning} outside of it: starting {when} meets about {meets} an hour"));
    }
    if view.outlasts {
        lines.push(format!(
            "{warning} every window closes before the steps are over, and holds it in their midst"
        ));
    }
    lines
}

fn requests(count: u64) -> String {
    let count = about(count);
    format!("{} request{}", grouped(count), if count == 1 { "" } else { "s" })
}

/// Two digits, as much as a forecast is worth: 9,412 is about 9,400.
fn about(count: u64) -> u64 {
    let digits = count.checked_ilog10().map_or(1, |log| log + 1);
    let unit = 10_u64.pow(digits.saturating_sub(2));
    let is_nearer_above = count % unit >= unit.div_ceil(2) && unit > 1;
    (count / unit).saturating_add(u64::from(is_nearer_above)).saturating_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forecast_has_two_digits() {
        let said = [0, 1, 9, 99, 104, 105, 994, 995, 9_412, 120_999, u64::MAX].map(about);
        let rounded = [0, 1, 9, 99, 100, 110, 990, 1_000, 9_400, 120_000];
        assert_eq!(said[..10], rounded);
        assert!(said[10] > 1 << 63);
        assert_eq!(requests(1), "1 request");
    }
}

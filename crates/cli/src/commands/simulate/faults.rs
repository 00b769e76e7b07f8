//! What is wrong with the releases that are tried: as it was asked for, or the usual ones. Owns their
//! names; runs none.

use towpath_core::units::Span;
use towpath_simulate::Fault;

use crate::args::{SimulateArguments, Wrong};
use crate::exit_code::{CliError, ExitCode};
use crate::report::style::percent;

/// A release that is tried.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tried {
    /// What the answer calls it.
    pub(super) name: String,
    /// What is wrong with it; none of a good one.
    pub(super) wrong: Option<Fault>,
}

/// A good release first, then those that were asked for; without any, those that fail twice as often,
/// one in five times and always, from the start and from the middle of the rollout on.
///
/// # Errors
/// `fault-too-small` when a release would be no worse than what serves today, and `onset-too-late`
/// when it would begin to be wrong after `rollout_s`.
pub(super) fn all(
    arguments: &SimulateArguments,
    usual: f64,
    rollout_s: f64,
) -> Result<Vec<Tried>, CliError> {
    let onset_s = arguments.onset.map(seconds);
    if let Some(onset) = arguments.onset.filter(|onset| seconds(*onset) >= rollout_s) {
        return Err(too_late(onset, rollout_s));
    }
    let mut tried = vec![Tried { name: "a good release".to_owned(), wrong: None }];
    if !arguments.faults.is_empty() {
        for wrong in &arguments.faults {
            let fault = fault(*wrong, usual, onset_s.unwrap_or(0.0))?;
            tried.push(Tried { name: name(*wrong, fault.onset_s), wrong: Some(fault) });
        }
        return Ok(tried);
    }
    let late_s = (rollout_s / 2.0).floor();
    let moments = match onset_s {
        Some(onset_s) => vec![(onset_s, true)],
        None => vec![(0.0, true), (late_s, false)],
    };
    for (onset_s, is_first) in moments {
        let usual_ones = [Wrong::Times(2.0), Wrong::Share(0.2), Wrong::Share(1.0)];
        // What is only twice as bad takes hours to tell: once is enough.
        for wrong in usual_ones.into_iter().skip(usize::from(!is_first)) {
            // A service that fails so often today has no such release.
            if let Ok(fault) = fault(wrong, usual, onset_s) {
                tried.push(Tried { name: name(wrong, onset_s), wrong: Some(fault) });
            }
        }
    }
    Ok(tried)
}

fn fault(wrong: Wrong, usual: f64, onset_s: f64) -> Result<Fault, CliError> {
    let good = Fault { onset_s, ..Fault::none(usual) };
    let share = match wrong {
        Wrong::Slower(slower) => return Ok(Fault { slower, slower_share: 1.0, ..good }),
        Wrong::Share(share) => share,
        Wrong::Times(times) => times * usual,
    };
    if share > usual && share <= 1.0 {
        return Ok(Fault { error_rate: share, ..good });
    }
    let message = format!("a release that fails {} would not be worse", percent(share));
    let message = if share > 1.0 { format!("nothing fails {}", percent(share)) } else { message };
    Err(CliError::new(ExitCode::Usage, "fault-impossible", message)
        .because(format!("{} of the requests fail today", percent(usual)))
        .next("towpath simulate --fault all", "a release that fails every request"))
}

fn name(wrong: Wrong, onset_s: f64) -> String {
    let what = match wrong {
        Wrong::Share(share) if share >= 1.0 => "every request fails".to_owned(),
        Wrong::Share(share) => format!("{} fail", percent(share)),
        Wrong::Times(times) => format!("{times}x the errors"),
        Wrong::Slower(slower) => format!("answers take {slower}x as long"),
    };
    let onset = crate::report::style::declared(onset_s);
    if onset_s > 0.0 { format!("{what} from {onset} on") } else { format!("{what} from the start") }
}

fn too_late(onset: Span, rollout_s: f64) -> CliError {
    let length = crate::report::style::declared(rollout_s);
    let message = format!("a fault that begins after {onset} is never met");
    CliError::new(ExitCode::Usage, "onset-too-late", message)
        .because(format!("the rollout takes {length}, and what follows it is not simulated"))
}

fn seconds(span: Span) -> f64 {
    std::time::Duration::from(span).as_secs_f64()
}

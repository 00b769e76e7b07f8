//! What people order about what is under way, or was condemned: pause, resume, abort, lift. Decides nothing
//! that belongs to a state.

use crate::ids::{Digest, Person, PromotionNumber};
use crate::journal::Event;
use crate::promotion::entering::serves;
use crate::promotion::intake::named;
use crate::promotion::state::{Outcome, State};
use crate::promotion::{PAUSE_LIMIT, Taken, Turn, approving, going_back};
use crate::reason::{Refusal, RefusalKind};
use crate::speaking::{Says, Signed, Spoken};

/// Holds a promotion where it is.
pub(super) fn pause(
    turn: &mut Turn<'_>,
    number: PromotionNumber,
    by: &Person,
    reason: Option<&str>,
) -> Taken {
    let promotion = named(turn, number)?;
    let too_late = matches!(promotion.state, State::Committing { .. } | State::GoingBack { .. });
    if too_late || promotion.paused.is_some() {
        let word = if too_late { promotion.state.word() } else { "paused already" };
        let message = format!("promotion {number} was not paused: it is {word}");
        return Err(Box::new(
            Refusal::new(RefusalKind::Conflict, "cannot-pause", message, "nothing can be held now")
                .next(format!("towpath watch {number}"), "until it ends"),
        ));
    }
    turn.record(Event::PromotionPaused {
        number,
        by: by.clone(),
        reason: reason.map_or_else(|| format!("{by} paused it"), str::to_owned),
        // What waits holds nothing, so that its own deadline is enough.
        until: match promotion.state {
            State::Waiting { deadline } => deadline,
            _ => turn.now.plus(PAUSE_LIMIT),
        },
    });
    Ok(())
}

/// Lets one go on that is held; whoever has a key signs that.
pub(super) fn resume(
    turn: &mut Turn<'_>,
    number: PromotionNumber,
    by: &Person,
    signed: Option<&Signed>,
) -> Taken {
    let promotion = named(turn, number)?;
    let may_return = matches!(promotion.state, State::GoingBack { returned: true, .. });
    if promotion.paused.is_none() && !may_return {
        let message = format!("promotion {number} is not paused; it is {}", promotion.state.word());
        return Err(Box::new(
            Refusal::new(
                RefusalKind::Conflict,
                "not-paused",
                message,
                "there is nothing to resume",
            )
            .next(format!("towpath watch {number}"), "look at it"),
        ));
    }
    let spoken =
        Spoken { promotion: Some(number), ..approving::in_lane(&turn.lane, by, Says::Resume) };
    spoken.heard(turn.matrix(), signed, turn.now)?;
    turn.record(Event::PromotionResumed { number, by: by.clone(), signed: signed.cloned() });
    Ok(())
}

/// Ends one; never waits for a word.
pub(super) fn abort(
    turn: &mut Turn<'_>,
    number: PromotionNumber,
    by: &Person,
    reason: Option<&str>,
) -> Taken {
    let promotion = named(turn, number)?;
    let sentence = match reason {
        Some(reason) => format!("{by} aborted it: {reason}"),
        None => format!("{by} aborted it"),
    };
    match promotion.state {
        State::Waiting { .. } => {
            turn.record(Event::PromotionEnded { number, outcome: Outcome::Aborted, sentence });
        }
        State::GoingBack { returned: true, .. } => going_back::end_without_blue(turn, &promotion),
        State::GoingBack { .. } => turn.note("it is already going back"),
        _ => {
            let mut ending = going_back::ending(Outcome::Aborted, sentence);
            ending.quarantine = promotion.condemned.is_some();
            going_back::begin(turn, &promotion, ending);
        }
    }
    Ok(())
}

/// Lets a condemned release return; whoever has a key signs that.
pub(super) fn lift(
    turn: &mut Turn<'_>,
    digest: &Digest,
    by: &Person,
    reason: &str,
    signed: Option<&Signed>,
) -> Taken {
    if turn.lane.quarantined.iter().all(|one| one.release.digest != *digest) {
        let message = format!("sha256:{} is not quarantined", digest.short());
        return Err(Box::new(
            Refusal::new(RefusalKind::NotFound, "not-quarantined", message, serves(&turn.lane))
                .next("towpath quarantine list", "what is"),
        ));
    }
    let spoken = Spoken {
        release: Some(digest),
        note: Some(reason),
        ..approving::in_lane(&turn.lane, by, Says::LiftQuarantine)
    };
    spoken.heard(turn.matrix(), signed, turn.now)?;
    turn.record(Event::QuarantineLifted {
        digest: digest.clone(),
        by: by.clone(),
        reason: reason.to_owned(),
        signed: signed.cloned(),
    });
    Ok(())
}

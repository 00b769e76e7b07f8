//! What serves where: a row for each environment, or for each service when there are several.

use std::fmt::Write as _;

use towpath_core::reason::Next;
use towpath_engine::views::{LaneView, PromotionView, Status};
use towpath_engine::{FollowingState, FollowingView};

use crate::report::attendance::Attendance;
use crate::report::block::{self, table};
use crate::report::frozen;
use crate::report::style::{Style, Symbol, counted, percent, printable};

/// The answer, and the commands that follow from it.
pub(crate) fn text(status: &Status, attendance: Attendance, style: &Style) -> (String, String) {
    let mut text = heading(status, attendance, style);
    if status.lanes.is_empty() {
        let check = Next::new("towpath matrix check", "whether the matrix is right");
        return (text, block::next(&[check]));
    }
    text.push('\n');
    text.push_str(&if is_single(status) {
        by_environment(status, attendance, style)
    } else {
        by_service(status, style)
    });
    let notes = notes(status, style);
    if !notes.is_empty() {
        text.push('\n');
        text.push_str(&table(2, &notes));
    }
    let mut commands = attendance.next();
    commands.extend(next(status, style));
    let next = block::next(&commands);
    let gap = if next.is_empty() { "" } else { "\n" };
    (text, format!("{gap}{next}"))
}

fn heading(status: &Status, attendance: Attendance, style: &Style) -> String {
    let missing = attendance.heading(style);
    let engine = match (&missing, &status.engine.since) {
        (Some(_), _) => String::new(),
        (None, Some(since)) => format!("   engine running since {}", style.day(since)),
        (None, None) => "   engine running".to_owned(),
    };
    let missing = missing.map(|missing| format!("{missing}\n")).unwrap_or_default();
    let rehearsal = match status.rehearsal {
        Some(speed) => {
            format!("   {} rehearsal at {speed} times the speed", style.symbol(Symbol::Warning))
        }
        None => String::new(),
    };
    let project = style.bold(&printable(&status.project));
    let followed = status.following.as_ref().map_or_else(String::new, |it| followed(it, style));
    format!("{project}   {}{engine}{rehearsal}\n{missing}{followed}", style.heading(&status.at))
}

/// How the repository of the matrix is followed, where somebody should know.
fn followed(view: &FollowingView, style: &Style) -> String {
    if view.state == FollowingState::InForce {
        return String::new();
    }
    let symbol = style.symbol(Symbol::Warning);
    let (repository, sentence) = (printable(&view.repository), printable(&view.sentence));
    format!("{symbol} the matrix in {repository} ({}): {sentence}\n", printable(&view.branch))
}

pub(crate) fn is_single(status: &Status) -> bool {
    let mut services = status.lanes.iter().map(|lane| lane.service.as_str());
    let first = services.next();
    services.all(|service| Some(service) == first)
}

fn by_environment(status: &Status, attendance: Attendance, style: &Style) -> String {
    let head = ["environment", "serves", "since", "health", "now"].map(str::to_owned).to_vec();
    let rows = status.lanes.iter().map(|lane| {
        let serves = lane.serves.as_ref();
        vec![
            style.bold(&lane.environment),
            serves.map_or_else(|| "nothing".to_owned(), |serves| serves.release.clone()),
            serves.map_or_else(String::new, |serves| style.day(&serves.since)),
            match attendance {
                Attendance::Engine => health(lane, style),
                Attendance::Ended(newest)
                    if serves.is_some_and(|serves| serves.promotion <= newest) =>
                {
                    format!("{} nothing runs", style.symbol(Symbol::Failed))
                }
                _ => unasked(lane, style),
            },
            now(lane, style),
        ]
    });
    table(2, &std::iter::once(head).chain(rows).collect::<Vec<_>>())
}

fn by_service(status: &Status, style: &Style) -> String {
    let mut environments: Vec<&str> = Vec::new();
    let mut services: Vec<&str> = Vec::new();
    for lane in &status.lanes {
        if !environments.contains(&lane.environment.as_str()) {
            environments.push(&lane.environment);
        }
        if !services.contains(&lane.service.as_str()) {
            services.push(&lane.service);
        }
    }
    let mut rows = vec![vec!["service".to_owned()]];
    rows[0].extend(environments.iter().map(|name| (*name).to_owned()));
    for service in services {
        let mut row = vec![style.bold(service)];
        for environment in &environments {
            let lane = status
                .lanes
                .iter()
                .find(|lane| lane.service == service && lane.environment == *environment);
            row.push(lane.map_or_else(String::new, |lane| cell(lane, style)));
        }
        rows.push(row);
    }
    table(2, &rows)
}

fn cell(lane: &LaneView, style: &Style) -> String {
    let serves = lane.serves.as_ref().map_or("nothing", |serves| serves.release.as_str());
    let now = now(lane, style);
    if now.is_empty() { serves.to_owned() } else { format!("{serves}  {now}") }
}

/// How a lane answers its probes, in a few words.
pub(crate) fn health(lane: &LaneView, style: &Style) -> String {
    let health = &lane.health;
    if health.endpoints == 0 {
        return "not probed".to_owned();
    }
    let ago = health.at.as_deref().and_then(|at| style.ago(at));
    let ago = ago.map_or_else(String::new, |ago| format!(", {ago}"));
    match health.state.as_str() {
        "healthy" => format!("{} all {}{ago}", style.symbol(Symbol::Passed), health.endpoints),
        "unhealthy" => format!(
            "{} {} of {} fail{ago}",
            style.symbol(Symbol::Failed),
            health.failing.len(),
            health.endpoints
        ),
        _ if lane.serves.is_none() => String::new(),
        _ => format!("{} not asked yet", style.symbol(Symbol::Unknown)),
    }
}

/// The same while no engine answers: only an engine asks.
fn unasked(lane: &LaneView, style: &Style) -> String {
    match (&lane.serves, lane.health.endpoints) {
        (_, 0) => "not probed".to_owned(),
        (None, _) => String::new(),
        (Some(_), _) => format!("{} not asked now", style.symbol(Symbol::Unknown)),
    }
}

/// What happens in a lane, in a few words; empty when nothing does.
fn now(lane: &LaneView, style: &Style) -> String {
    let mut text = match &lane.promotion {
        Some(promotion) => moving(promotion, style),
        None => match &lane.asks {
            Some(_) => format!("{} asks for a rollback", style.symbol(Symbol::Waits)),
            None => String::new(),
        },
    };
    if lane.more_waiting > 0 {
        let _ = write!(text, ", {} more waiting", lane.more_waiting);
    }
    text
}

fn moving(promotion: &PromotionView, style: &Style) -> String {
    let name = format!("{}: {}", promotion.number, promotion.release);
    let waits = |what: String| format!("{} {name} {what}", style.symbol(Symbol::Waits));
    let runs = |what: String| format!("{} {name} {what}", style.symbol(Symbol::Running));
    if promotion.paused.is_some() {
        return waits("is paused".to_owned());
    }
    match promotion.state.as_str() {
        "waiting" => waits(match promotion.waits_for.as_slice() {
            [] => "waits".to_owned(),
            [one] => format!("waits ({})", one.what),
            many => format!("waits for {}", counted(many.len(), "thing")),
        }),
        "starting" => runs("starts".to_owned()),
        "validating" => runs("is validated".to_owned()),
        "reconciling" => waits("is reconciling".to_owned()),
        "committing" => runs("commits".to_owned()),
        "going-back" => {
            format!("{} {name} goes back", style.symbol(Symbol::Failed))
        }
        _ if promotion.frozen => waits(format!("is held at {}", percent(promotion.weight))),
        _ if promotion.held => {
            waits(format!("holds at {}, too little evidence", percent(promotion.weight)))
        }
        _ => runs(format!("at {}", percent(promotion.weight))),
    }
}

/// An environment, with the service where there are several.
pub(crate) fn lane_name(service: &str, environment: &str, style: &Style) -> String {
    if style.is_among_several() {
        format!("{environment} ({service})")
    } else {
        environment.to_owned()
    }
}

fn notes(status: &Status, style: &Style) -> Vec<Vec<String>> {
    let mut notes = Vec::new();
    let mut add = |label: &str, text: String| {
        let first = !notes.iter().any(|note: &Vec<String>| note[0] == label);
        notes.push(vec![if first { label.to_owned() } else { String::new() }, text]);
    };
    for freeze in &status.frozen {
        add("frozen", frozen::one(freeze, style));
    }
    for lane in &status.lanes {
        for one in &lane.quarantined {
            let since = style.minute(&one.since);
            let lane = lane_name(&one.service, &one.environment, style);
            add("quarantined", format!("{} in {lane} since {since}", one.release));
        }
    }
    for lane in &status.lanes {
        if let Some(kept) = held_back(lane, style) {
            let name = lane_name(&lane.service, &lane.environment, style);
            add("holdback", format!("{name}: {kept}"));
        }
        let promotion = lane.promotion.as_ref();
        if let Some((one, why)) = promotion.and_then(|one| Some((one, one.weight_reason.as_ref()?)))
        {
            let name = lane_name(&lane.service, &lane.environment, style);
            add("weight", format!("{name}: {} {}", percent(one.weight), printable(why)));
        }
        if let Some(asks) = &lane.asks {
            let name = lane_name(&lane.service, &lane.environment, style);
            add("asks", format!("{name}: {}", printable(asks)));
        }
    }
    if let Some(why) = &status.engine.unsigned {
        add("not signed", printable(why));
    }
    if status.dead_notices > 0 {
        let count = counted(status.dead_notices, "notice");
        add("not told", format!("{count} never arrived: towpath notify list"));
    }
    notes
}

/// Who stays on the release before, in one sentence without its end; none where nobody does.
pub(crate) fn held_back(lane: &LaneView, style: &Style) -> Option<String> {
    let standby = lane.standby.as_ref()?;
    let holdback = standby.holdback.as_ref()?;
    let (observed, release) = (percent(holdback.observed), &standby.release);
    let until = style.minute(&holdback.until);
    let share = percent(holdback.share);
    let kept = if observed == share {
        format!("{share} of requests stay on {release} until {until}")
    } else {
        format!("{observed} of requests are on {release}, where {share} stay until {until}")
    };
    Some(match &holdback.ending {
        Some(why) => format!("{kept}; that is being ended: {}", printable(why)),
        None => kept,
    })
}

/// Takes back what serves in a lane.
pub(crate) fn rollback(lane: &LaneView) -> Next {
    Next::new(format!("towpath rollback {}", lane.environment), "puts the last good release back")
}

fn next(status: &Status, style: &Style) -> Vec<Next> {
    let mut next = Vec::new();
    for lane in &status.lanes {
        let of_lane = |next: Next| style.of_lane(&lane.service, next);
        let waits =
            lane.promotion.as_ref().is_some_and(|promotion| !promotion.waits_for.is_empty());
        if lane.asks.is_some() {
            next.insert(0, of_lane(rollback(lane)));
        } else if waits && lane.tier == "production" {
            next.push(of_lane(Next::new(format!("towpath why {}", lane.environment), "")));
        }
    }
    // More than a few commands are no help; the table says the rest.
    next.truncate(3);
    next
}

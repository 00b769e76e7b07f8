//! What a promotion would do.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use towpath_core::reason::Next;
use towpath_core::settings::SettingChange;
use towpath_engine::views::{ApprovalView, CheckView, PlanView, StepView};

use crate::report::block::{Block, next, table};
use crate::report::quiet;
use crate::report::style::{Style, Symbol, counted, declared, percent, printable, stands_by};
use crate::report::usage::quoted;

/// Columns of the labels that stand at two blanks (cli.md section 3).
const INDENT: usize = 2;

/// What was typed to get the plan, and must be typed again to carry it out.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Asked<'a> {
    /// Whether a release was named.
    pub(crate) release: bool,
    /// Demands that were accepted by name.
    pub(crate) accepted: &'a [String],
}

/// The plan, and how it is carried out. `chosen`: the release was named and not found.
pub(crate) fn text(plan: &PlanView, asked: Asked<'_>, style: &Style) -> (String, String) {
    let mut text = format!(
        "plan {}   {} {}: {}   {}\n\n",
        short(&plan.hash),
        plan.service,
        style.bold(&plan.release),
        way(plan, style),
        style.heading(&plan.at)
    );
    text.push_str(&facts(plan, style).written(INDENT, style));
    if !plan.prerequisites.is_empty() {
        text.push_str("\n  before anything changes\n");
        let rows = plan.prerequisites.iter().map(|check| check_row(check, style));
        text.push_str(&table(4, &rows.collect::<Vec<_>>()));
    }
    if !plan.approvals.is_empty() {
        text.push_str("\n  who must agree\n");
        let rows = plan.approvals.iter().map(|role| approval_row(role, style));
        text.push_str(&table(4, &rows.collect::<Vec<_>>()));
    }
    text.push_str(&at_weight_zero(plan, style));
    text.push_str(&traffic(plan, style));
    text.push('\n');
    text.push_str(&last(plan, style).written(INDENT, style));
    (text, format!("\n{}", next(&follows(plan, asked, style))))
}

/// The plan on one line, as it is shown before a person is asked.
pub(crate) fn line(plan: &PlanView, style: &Style) -> String {
    let replaces = match &plan.replaces {
        Some((release, _)) => format!("replaces {release}"),
        None => "the first release here".to_owned(),
    };
    format!(
        "plan {}   {} {}: {}   {replaces}   about {}\n",
        short(&plan.hash),
        plan.service,
        style.bold(&plan.release),
        way(plan, style),
        declared(plan.bake_seconds)
    )
}

/// The first 12 digits of a plan's hash.
fn short(hash: &str) -> &str {
    let digits = hash.strip_prefix("sha256:").unwrap_or(hash);
    digits.get(..12).unwrap_or(digits)
}

fn way(plan: &PlanView, style: &Style) -> String {
    let to = style.bold(&plan.to);
    match plan.from.as_slice() {
        [] => to,
        from => format!("{} {} {to}", from.join(", "), style.arrow()),
    }
}

fn facts(plan: &PlanView, style: &Style) -> Block {
    let mut block = Block::default();
    let mut release = format!("{}   {}", plan.release, plan.change_type.as_str());
    if let Some(author) = &plan.author {
        let _ = write!(release, " by {}", printable(author));
    }
    if let Some(commit) = &plan.commit {
        let _ = write!(release, ", commit {}", printable(commit.get(..7).unwrap_or(commit)));
    }
    if !plan.verified.is_empty() {
        let phrases: Vec<String> =
            plan.verified.iter().map(|phrase| verified(phrase, style)).collect();
        let _ = write!(release, ", verified in {}", phrases.join(" and "));
    }
    block.row("release", release);
    block.row(
        "replaces",
        match &plan.replaces {
            Some((old, since)) => {
                format!("{old}   serving since {}; what a rollback returns to", style.day(since))
            }
            None => "nothing: the first release here, with nothing to fall back to; before it the \
                     route answers 503"
                .to_owned(),
        },
    );
    block.row("changes", changes(plan));
    block.lines("sets", plan.sets_up.iter().map(setting).collect());
    let brought = |(name, digest): &(String, String)| format!("{name}   sha256:{}", short(digest));
    block.lines("brings", plan.evidence.iter().map(brought).collect());
    block.row(
        "retires",
        match &plan.retires {
            Some(standby) => {
                let kept = plan.retires_holdback.map_or_else(String::new, |share| {
                    format!(", after the {} of the requests that it has left it", percent(share))
                });
                format!("the standby of {standby}{kept}")
            }
            None => "nothing: no release stands by".to_owned(),
        },
    );
    block
}

/// `staging since 2027-01-11T18:05:00Z`, with the time as the reader writes it.
fn verified(phrase: &str, style: &Style) -> String {
    match phrase.split_once(" since ") {
        Some((place, since)) => format!("{place} since {}", style.minute(since)),
        None => printable(phrase),
    }
}

fn changes(plan: &PlanView) -> String {
    let settings = match plan.settings_changed.as_slice() {
        [] => "no settings".to_owned(),
        // Names beyond a few are for `release diff`.
        names if names.len() > 5 => counted(names.len(), "setting"),
        names => format!("{} ({})", counted(names.len(), "setting"), printable(&names.join(", "))),
    };
    let migrations = match plan.migrations {
        0 => "no migrations".to_owned(),
        many => counted(many, "migration"),
    };
    format!("{settings}, {migrations}")
}

/// `FLAG: off, becomes on`.
fn setting(change: &SettingChange) -> String {
    let said = |value: &Option<String>| value.as_deref().map_or("unset".to_owned(), printable);
    let name = printable(&change.name);
    format!("{name}: {}, becomes {}", said(&change.before), said(&change.after))
}

fn check_row(check: &CheckView, style: &Style) -> Vec<String> {
    let mark = style.symbol(check_symbol(&check.state));
    let sentence = check.sentence.as_deref().map(printable).unwrap_or_default();
    vec![format!("{mark} {}", printable(&check.title)), sentence]
}

fn approval_row(role: &ApprovalView, style: &Style) -> Vec<String> {
    let complete = role.by.len() >= role.need as usize;
    let mark = style.symbol(if complete { Symbol::Passed } else { Symbol::Waits });
    if let Some(why) = &role.unknown {
        return vec![
            format!("{mark} {}", printable(role.whom())),
            format!("not known: {}", printable(why)),
        ];
    }
    let mut said = format!("{} of {}", role.by.len(), role.need);
    if !role.by.is_empty() {
        let _ = write!(said, ": {}", role.by.join(", "));
    }
    if !complete {
        let _ = match role.who.as_slice() {
            [] => write!(said, "; nobody is left who could"),
            who => write!(said, "; could agree: {}", who.join(", ")),
        };
    }
    vec![format!("{mark} {}", printable(role.whom())), said]
}

/// The symbol of a check's state.
pub(crate) fn check_symbol(state: &str) -> Symbol {
    match state {
        "pass" => Symbol::Passed,
        "fail" => Symbol::Failed,
        "pending" => Symbol::Waits,
        "asking" => Symbol::Running,
        "inconclusive" => Symbol::Unknown,
        _ => Symbol::ToCome,
    }
}

fn at_weight_zero(plan: &PlanView, style: &Style) -> String {
    let to_come = style.symbol(Symbol::ToCome);
    let beside = match (plan.instances.1, &plan.replaces) {
        (Some(blue), Some((old, _))) => format!(" beside the {blue} of {old}"),
        _ => String::new(),
    };
    let start = counted(plan.instances.0 as usize, "instance");
    let mut text = "\n  at weight 0, no visitor on it\n".to_owned();
    let _ = writeln!(text, "    {to_come} start {start}{beside}");
    if !plan.validation.is_empty() {
        let titles: Vec<String> =
            plan.validation.iter().map(|check| printable(&check.title)).collect();
        let folded = crate::report::block::folded(&titles.join(", "), 6, style.width);
        for (index, part) in folded.iter().enumerate() {
            let lead = if index == 0 { to_come.as_str() } else { " " };
            let _ = writeln!(text, "    {lead} {part}");
        }
    }
    text
}

fn traffic(plan: &PlanView, style: &Style) -> String {
    let to_come = style.symbol(Symbol::ToCome);
    let mut text = "\n  traffic\n".to_owned();
    if plan.steps.is_empty() {
        let _ = writeln!(text, "    {to_come} no router: the instances are replaced");
        return text;
    }
    let arrow = format!(" {} ", style.arrow());
    let steps: Vec<String> = plan.steps.iter().map(step).collect();
    let standby = match (&plan.replaces, plan.standby_seconds) {
        (Some((old, _)), seconds) if seconds > 0.0 => {
            format!(
                ", then {old} {}",
                stands_by(seconds, plan.holdback.map(|it| (it.share, it.seconds)))
            )
        }
        (Some((old, _)), _) => format!(", then {old} ends"),
        (None, _) => String::new(),
    };
    let _ = writeln!(text, "    {to_come} {}{arrow}commit{standby}", steps.join(&arrow));
    let mut block = Block::default();
    if !plan.goes_back.is_empty() {
        let label = if plan.replaces.is_some() { "goes back at once" } else { "stops at once" };
        block.row(label, plan.goes_back.join(", "));
    }
    if let Some(chosen) = &plan.weights_chosen {
        block.row("weights", printable(chosen));
    }
    block.row("without evidence", plan.without_evidence.clone());
    if let Some(served_again) = &plan.served_again {
        block.row("served again", printable(served_again));
    }
    text + &block.written(4, style)
}

fn step(step: &StepView) -> String {
    let mut weight = percent(step.weight);
    if let Some(mirror) = step.mirror {
        let _ = write!(weight, " with {} mirrored", percent(mirror));
    }
    if step.bake_seconds > 0.0 {
        format!("{weight} for {}", declared(step.bake_seconds))
    } else {
        weight
    }
}

fn last(plan: &PlanView, style: &Style) -> Block {
    let mut block = Block::default();
    let takes = if plan.bake_seconds > 0.0 {
        format!("{} of steps, beside the checks and the start", declared(plan.bake_seconds))
    } else {
        "as long as the checks and the start; no step bakes".to_owned()
    };
    block.row("takes", takes);
    if plan.breaks_glass {
        let past = "being verified before, prerequisites, approvals, windows, declared freezes";
        block.row("goes past", past);
    }
    if !plan.owes.is_empty() {
        block.row("owes", plan.owes.join(", "));
    }
    if !plan.windows.is_empty() {
        let past = if plan.overrides_window { ", gone past by --override-window" } else { "" };
        block.row("windows", format!("{}{past}", plan.windows.join("; ")));
        block.row(
            "one that closes",
            "keeps the weight as it is for at most a day, then it goes back",
        );
    }
    if !plan.held.is_empty() {
        let held =
            plan.held.iter().map(|one| format!("{}: {}", one.what, printable(&one.sentence)));
        block.lines("held now by", held.collect());
        let opens = plan.opens.as_ref().map(|at| style.moment(at));
        block.row("may start", opens.unwrap_or_else(|| "nobody knows when".to_owned()));
    }
    if let Some(hour) = &plan.quiet_hour {
        block.lines(quiet::LABEL, quiet::lines(hour, &plan.at, style));
    }
    let (kept, demands): (Vec<_>, Vec<_>) = plan.unenforced.iter().partition(|it| it.kept);
    let mut not_enforced: Vec<String> = demands
        .iter()
        .map(|it| format!("{}   {}", printable(&it.path), printable(&it.reason)))
        .collect();
    if !kept.is_empty() {
        let own = format!("environments.{}.", plan.to);
        let names = kept.iter().map(|it| printable(it.path.strip_prefix(&own).unwrap_or(&it.path)));
        // What stands at the top and in the environment has one name, and is said once.
        let names = names.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(", ");
        not_enforced.push(format!("{names}: kept and shown, nothing acts on them"));
    }
    block.lines("not enforced here", not_enforced);
    block
}

fn follows(plan: &PlanView, asked: Asked<'_>, style: &Style) -> Vec<Next> {
    let open =
        plan.prerequisites.iter().filter(|check| check.kind == "attested" && check.state != "pass");
    let mut next: Vec<Next> = open
        .map(|check| {
            let command = format!(
                "towpath attest {} {} --release {}",
                plan.to,
                quoted(&check.title),
                plan.release
            );
            Next::new(command, "once it is done")
        })
        .collect();
    if plan.approvals.iter().any(|role| role.by.len() < role.need as usize) {
        let release =
            if asked.release { format!(" --release {}", plan.release) } else { String::new() };
        let command = format!("towpath approve {}{release}", short(&plan.hash));
        next.push(Next::new(command, "as one of those who could agree"));
    }
    let from = match plan.from.as_slice() {
        [one] => format!(" {one}"),
        _ => String::new(),
    };
    let release =
        if asked.release { format!(" --release {}", plan.release) } else { String::new() };
    let mut accepted = String::new();
    for name in asked.accepted {
        let _ = write!(accepted, " --accept-unenforced {}", quoted(name));
    }
    if plan.overrides_window {
        accepted.push_str(" --override-window");
    }
    if !accepted.is_empty() {
        accepted.push_str(" --reason \"REASON\"");
    }
    next.push(Next::new(
        format!(
            "towpath promote{from} {}{release}{accepted} --plan {}",
            plan.to,
            short(&plan.hash)
        ),
        "carries out this, or nothing",
    ));
    next.into_iter().map(|next| style.of_lane(&plan.service, next)).collect()
}

//! What happens to data: where it may be, who sees it, whether it comes back. Copies nothing.

use towpath_core::matrix::Tier;

use super::Lane;
use super::values::{flag, promised_time, span, texts};
use crate::codes::Code;
use crate::problem::{Problem, Problems};
use crate::tree::{Node, printable};

/// Laws that speak of nothing but data that names people: of the European Union (2016/679), of
/// California (Civil Code 1798.100).
const LAWS_ON_PEOPLE: [&str; 2] = ["GDPR", "CCPA"];

/// A promise to lose little, or to restore, that the backups cannot keep.
pub(super) fn recovery_without_backups(lane: &Lane<'_>, problems: &mut Problems) {
    let name = lane.name();
    let Some(backups) = lane.node.node.get("backups") else {
        let method = lane.get("recovery", "method").filter(|it| it.text() == Some("restore"));
        if let Some(method) = method {
            let message =
                format!("{name} is to be restored, and nothing says that it is backed up");
            let problem = Problem::new(Code::RecoveryWithoutBackups, method.extent, message)
                .label("from what?")
                .next("add `backups: { every: 24h, keep: 30d }`, or write `method: rebuild`");
            lane.add(problem, problems);
        }
        return;
    };
    let rpo = lane.get("recovery", "rpo").and_then(|it| Some((it, promised_time(it)?)));
    let every = backups.get("every").and_then(|it| Some((it, span(it)?)));
    let (Some((rpo, lost)), Some((every, between))) = (rpo, every) else { return };
    let any_point = backups.get("point_in_time").is_some_and(|it| flag(it) == Some(true));
    if any_point || between <= lost {
        return;
    }
    let message =
        format!("{name} may lose at most {lost} of its data, and is backed up every {between}");
    let problem = Problem::new(Code::RecoveryWithoutBackups, rpo.extent, message)
        .label("what came in since the last backup is lost")
        .related(every.extent, "a loss of up to this much")
        .next(format!("write `every: {lost}`, or `point_in_time: true`"));
    lane.add(problem, problems);
}

/// Data of users where testers and developers see it.
pub(super) fn real_outside_production(lane: &Lane<'_>, problems: &mut Problems) {
    if lane.environment.tier == Tier::Production {
        return;
    }
    let class = lane.get("data", "class").filter(|it| it.text() == Some("real"));
    let word = |key| lane.get("data", key).and_then(Node::text);
    let masked = word("masking") == Some("required")
        || matches!(word("personal_data"), Some("none" | "masked"));
    let Some(class) = class.filter(|_| !masked) else { return };
    let message = format!("{} holds the real data of users, unmasked", lane.name());
    let mut problem = Problem::new(Code::DataRealOutsideProduction, class.extent, message)
        .label("whoever tests here reads what users entrusted to production")
        .next("add `masking: required`, or write `class: synthetic`");
    if let Some(from) = lane.get("data", "from") {
        problem = problem.related(from.extent, "copied from here");
    }
    lane.add(problem, problems);
}

/// Real data of production that names users in clear, or that names nobody and has rules for what
/// does.
pub(super) fn personal_data(lane: &Lane<'_>, problems: &mut Problems) {
    let personal = lane.get("data", "personal_data");
    let real = lane.get("data", "class").is_some_and(|it| it.text() == Some("real"));
    let Some(personal) = personal.filter(|_| real) else { return };
    let name = lane.name();
    let encrypted = |section| lane.get(section, "encryption").and_then(flag) == Some(true);
    match personal.text() {
        Some("plain") if lane.environment.tier == Tier::Production => {
            if encrypted("data") || encrypted("database") {
                return;
            }
            let message = format!("{name} keeps what names its users in clear");
            let problem = Problem::new(Code::PersonalData, personal.extent, message)
                .label("whoever gets hold of a disk or a backup reads it")
                .next("write `personal_data: encrypted`, or `encryption: true`");
            lane.add(problem, problems);
        }
        Some("none") => {
            let Some((key, rule)) = rule_for_people(lane) else { return };
            let message =
                format!("{name}: `personal_data: none`, yet `{key}` is about what names people");
            let problem = Problem::new(Code::PersonalData, personal.extent, message)
                .label("nothing names anybody")
                .related(rule.extent, "somebody is named")
                .next(format!(
                    "say how it is kept: `personal_data: encrypted`; or leave `{key}` out"
                ));
            lane.add(problem, problems);
        }
        _ => {}
    }
}

/// What is said beside `personal_data` that has a meaning only for data that names people.
fn rule_for_people<'a>(lane: &Lane<'a>) -> Option<(&'static str, &'a Node)> {
    let of_people = |key: &str, node: &Node| match key {
        "masking" => node.text() == Some("required"),
        "complies_with" => texts(node).any(|(law, _)| LAWS_ON_PEOPLE.contains(&law)),
        _ => true,
    };
    let said = ["masking", "deletion", "cross_border", "complies_with"].into_iter();
    said.filter_map(|key| Some((key, lane.get("data", key)?)))
        .filter(|(key, node)| of_people(key, node))
        .find(|(key, _)| lane.said_together("data", "personal_data", key))
}

/// Data that may not leave a region, in another one.
pub(super) fn residency_crossed(lane: &Lane<'_>, problems: &mut Problems) {
    let region = lane.get("infrastructure", "region").and_then(|it| Some((it, it.text()?)));
    let residency = lane.get("data", "residency").and_then(|it| Some((it, it.text()?)));
    if let (Some((region_at, region)), Some((place, residency))) = (region, residency)
        && !lies_in(region, residency)
    {
        let (name, region, residency) = (lane.name(), printable(region), printable(residency));
        let message =
            format!("the data of {name} must stay in {residency}, and it runs in {region}");
        let problem = Problem::new(Code::ResidencyCrossed, place.extent, message)
            .label("must stay here")
            .related(region_at.extent, "and is here")
            .next(format!("run {name} in {residency}, or write `residency: {region}`"));
        lane.add(problem, problems);
    }
    copied_across(lane, problems);
}

/// Data that is copied from an environment in another region.
fn copied_across(lane: &Lane<'_>, problems: &mut Problems) {
    let from = lane.get("data", "from").and_then(|it| Some((it, it.text()?)));
    let Some((from, name)) = from else { return };
    let Some(source) = lane.whole.environment(name) else { return };
    let bound = [lane, &source]
        .into_iter()
        .find_map(|side| side.get("data", "cross_border").filter(|it| flag(it) == Some(false)));
    let region =
        |side: &Lane<'_>| side.get("infrastructure", "region").and_then(Node::text).map(printable);
    let (Some(bound), Some(here), Some(there)) = (bound, region(lane), region(&source)) else {
        return;
    };
    if here == there {
        return;
    }
    let message = format!(
        "{} in {here} copies its data from {} in {there}, and it may not leave its region",
        lane.name(),
        source.name()
    );
    let problem = Problem::new(Code::ResidencyCrossed, from.extent, message)
        .label("leaves its region with each copy")
        .related(bound.extent, "may not")
        .next("use data that names nobody: `class: synthetic`, and no `from`");
    lane.add(problem, problems);
}

/// Whether `region` is `residency`, or a part of it: `eu-central-1` lies in `eu`.
fn lies_in(region: &str, residency: &str) -> bool {
    let (region, residency) = (region.to_ascii_lowercase(), residency.to_ascii_lowercase());
    region.strip_prefix(&residency).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

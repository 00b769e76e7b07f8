//! What differs between two releases, or between what two environments declare and serve. Owns the tables; a
//! difference is one of digests and of values, and no value of a secret is shown.

use std::collections::BTreeSet;

use axum::extract::Query;
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;
use towpath_core::ids::{LaneId, Name};
use towpath_core::matrix::LaneSpec;
use towpath_core::release::Release;
use towpath_core::settings::{SettingChange, changes};

use crate::api::lanes::lane_id;
use crate::error::ApiError;
use crate::pages::frame::{Look, Page, Place, Shown};
use crate::pages::lane::{self, shown};
use crate::pages::marks::{digest, icon, percent, state};
use crate::pages::{materials, releases, words};

/// Two releases of a service, or two environments of one.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Wanted {
    #[serde(default)]
    service: String,
    from: Option<String>,
    to: Option<String>,
    left: Option<String>,
    right: Option<String>,
}

/// The address of a comparison of two releases.
pub(super) fn place(service: &str, from: &str, to: &str) -> String {
    // The only character of a version that means something else in a query.
    format!("/compare?service={service}&from={from}&to={to}").replace('+', "%2B")
}

pub(super) async fn show(look: Look, Query(wanted): Query<Wanted>) -> Response {
    let shown = match (&wanted.from, &wanted.to, &wanted.left, &wanted.right) {
        (Some(from), Some(to), ..) => of_releases(&look, &wanted.service, from, to).await,
        (_, _, Some(left), Some(right)) => {
            of_environments(&look, &wanted.service, left, right).await
        }
        _ => Ok(choose(&look, &wanted.service)),
    };
    look.show(shown)
}

/// Up to so many services have their lists on one page; of more of them one is chosen first.
const MOST_AT_ONCE: usize = 8;

/// Lists to choose from: without a script each form is one request.
fn choose(look: &Look, service: &str) -> Page {
    let matrix = look.engine.matrix();
    let services: Vec<Name> =
        matrix.iter().flat_map(|matrix| matrix.services.keys().cloned()).collect();
    let content = html! {
        h1 { "Compare" }
        p.lead { "Two releases: what they are made of, what is known to be weak in them, what is set up and migrated on the way. Two environments: what they serve, and what is declared otherwise." }
        @if services.len() > MOST_AT_ONCE {
            nav.named aria-label="Service" {
                @for one in &services { a href=(look.to(&format!("/compare?service={one}"))) aria-current=[(one.as_str() == service).then_some("true")] { (one) } }
            }
        }
        @for one in services.iter().filter(|one| services.len() <= MOST_AT_ONCE || one.as_str() == service) {
            section.sec { h2 { (one) } (of_service(look, one, ("", ""))) }
        }
        @if services.is_empty() { p.q { "No matrix is in force yet: " code { "towpath init" } " writes one." } }
    };
    Page { place: Place::Compare, title: "Compare".to_owned(), content }
}

/// Both choices of a service; the versions that are chosen already stay so.
fn of_service(look: &Look, service: &Name, chosen: (&str, &str)) -> Markup {
    let matrix = look.engine.matrix();
    let environments: Vec<String> = matrix
        .iter()
        .flat_map(|matrix| &matrix.environments)
        .filter(|one| one.lanes.contains_key(service))
        .map(|one| one.name.to_string())
        .collect();
    let mut versions: Vec<String> =
        look.engine.releases(Some(service)).iter().map(|one| one.version.to_string()).collect();
    versions.reverse();
    versions.truncate(CHOICES);
    let older = versions.get(1).map_or("", String::as_str);
    let newest = versions.first().map_or("", String::as_str);
    let (from, to) = if chosen.0.is_empty() { (older, newest) } else { chosen };
    let first = environments.first().map_or("", String::as_str);
    let second = environments.get(1).map_or("", String::as_str);
    html! {
        @if versions.len() > 1 { (form(look, service, ("Releases", "Release"), &versions, [("from", from), ("to", to)])) }
        @else { p.q { "There are no two releases of " (service) " yet." } }
        @if environments.len() > 1 { (form(look, service, ("Environments", "Environment"), &environments, [("left", first), ("right", second)])) }
    }
}

/// Versions that can be chosen from: the newest. Any other two can be named in the address.
const CHOICES: usize = 100;

fn form(
    look: &Look,
    service: &Name,
    (what, one): (&str, &str),
    all: &[String],
    fields: [(&str, &str); 2],
) -> Markup {
    html! {
        form.bar method="get" action=(look.to("/compare")) {
            input type="hidden" name="service" value=(service);
            span.what { (what) }
            @for (at, (name, chosen)) in fields.into_iter().enumerate() {
                @if at == 1 { span.q { "and" } }
                label.inline { span.vh { (one) }
                    select.in name=(name) { @for value in all { option value=(value) selected[value == chosen] { (value) } } }
                }
            }
            button.btn { "Compare" }
        }
    }
}

async fn of_releases(look: &Look, service: &str, from: &str, to: &str) -> Shown {
    let (before, after) =
        (releases::found(look, service, from)?, releases::found(look, service, to)?);
    let title = format!("{service} {} and {}", before.version, after.version);
    let settings = changes(&before.settings, &after.settings);
    let is_same = before.digest == after.digest;
    let (old, new) = (materials::of(look, &before).await?, materials::of(look, &after).await?);
    let (older, newer) = (before.version.as_str(), after.version.as_str());
    let content = html! {
        p.crumb { a href=(look.to("/")) { (look.engine.setup().project) } " / " a href=(look.to("/releases")) { "releases" } " / compare" }
        h1 { (title) }
        section.verdict aria-label="Difference" {
            p { @if is_same { b { "The same." } " Both have one digest: what is deployed does not differ." }
                @else { b { (summary(&before, &after, settings.len())) } } }
        }
        div.plain2 {
            section.sec.whole { h2 { "Artefacts" } (artefacts(&before, &after)) }
            section.sec { h2 { "Settings" } (setting_changes(&settings, &before.version.to_string(), &after.version.to_string())) }
            section.sec { h2 { "Migrations" } (migrations(&before, &after)) }
            section.sec.whole { h2 { "Components and vulnerabilities" } (materials::section((older, old.as_ref()), (newer, new.as_ref()))) }
            section.sec.whole { h2 { "Where they come from" } (origins(look, &before, &after)) }
            section.sec.whole { h2 { "Compare others" } (of_service(look, &before.service, (older, newer))) }
        }
    };
    Ok(Page { place: Place::Compare, title, content })
}

fn summary(before: &Release, after: &Release, settings: usize) -> String {
    let names: BTreeSet<&Name> = before.artifacts.keys().chain(after.artifacts.keys()).collect();
    let digest_of =
        |release: &Release, name: &Name| release.artifacts.get(name).map(|it| it.digest.clone());
    let changed =
        names.iter().filter(|name| digest_of(before, name) != digest_of(after, name)).count();
    let new = after
        .migrations
        .iter()
        .filter(|one| before.migrations.iter().all(|it| it.digest != one.digest))
        .count();
    let count = |number: usize, what: &str| crate::pages::marks::counted(number, what);
    format!(
        "{} of {} differ, {}, {}.",
        changed,
        count(names.len(), "artefact"),
        count(settings, "setting"),
        count(new, "new migration")
    )
}

fn artefacts(before: &Release, after: &Release) -> Markup {
    let is_one = before.version == after.version;
    let names: BTreeSet<&Name> = before.artifacts.keys().chain(after.artifacts.keys()).collect();
    html! {
        table.tab {
            thead { tr { th scope="col" { "Artefact" } th scope="col" { (before.version) } @if !is_one { th scope="col" { (after.version) } th scope="col" { "Difference" } } } }
            tbody {
                @for name in names {
                    @let (old, new) = (before.artifacts.get(name), after.artifacts.get(name));
                    tr {
                        th scope="row" { (name) }
                        td { @match old { Some(old) => (digest(old.digest.as_str())), None => span.qq { "none" } } }
                        @if !is_one { td { @match new { Some(new) => (digest(new.digest.as_str())), None => span.qq { "none" } } } }
                        @if !is_one { td { @match (old, new) {
                            (None, _) => (state("to", "", "new")),
                            (_, None) => (state("x", "", "gone")),
                            (Some(old), Some(new)) if old.digest == new.digest => span.qq { "the same" },
                            _ => (state("half", "", "other bytes")),
                        } } }
                    }
                }
            }
        }
    }
}

/// Settings that differ, with both values.
fn setting_changes(all: &[SettingChange], before: &str, after: &str) -> Markup {
    let value = |name: &str, value: &Option<String>| value.as_ref().map(|value| shown(name, value));
    html! {
        @if all.is_empty() { p.q { "None differs." } } @else {
            table.tab {
                thead { tr { th scope="col" { "Setting" } th scope="col" { (before) } th scope="col" { (after) } } }
                tbody { @for one in all { tr {
                    th scope="row" { span.mono { (one.name) } }
                    td { @match value(&one.name, &one.before) { Some(text) => span.mono { (text) }, None => span.qq { "not set" } } }
                    td { @match value(&one.name, &one.after) { Some(text) => span.mono { (text) }, None => span.qq { "not set" } } }
                } } }
            }
        }
    }
}

fn migrations(before: &Release, after: &Release) -> Markup {
    let new: Vec<_> = after
        .migrations
        .iter()
        .filter(|one| before.migrations.iter().all(|it| it.digest != one.digest))
        .collect();
    html! {
        @if new.is_empty() { p.q { "No stored data is changed on the way." } }
        ul.checks { @for one in &new { li { (icon(if one.reversible { "ok" } else { "warn" }))
            div { b { (one.name) } span { @if one.reversible { (before.version) " works after it." } @else { "Cannot be undone: going back to " (before.version) " would lose data." } } } } } }
    }
}

fn origins(look: &Look, before: &Release, after: &Release) -> Markup {
    html! {
        table.tab.cards {
            thead { tr { th scope="col" { "Release" } th scope="col" { "Type" } th scope="col" { "By" } th scope="col" { "Commit" } th scope="col" { "Branch" } } }
            tbody { @for one in [before, after] { tr {
                th scope="row" { a href=(look.to(&releases::place(one.service.as_str(), one.version.as_str()))) { (one.version) } }
                td { (one.change_type.as_str()) }
                td { @if let Some(author) = one.author.as_ref().or(one.created_by.as_ref()) { (author) } }
                td { @if let Some(commit) = &one.commit { span.mono { (commit) } } }
                td { @if let Some(branch) = &one.branch { (branch) } }
            } } }
        }
        @if let (Some(old), Some(new)) = (&before.commit, &after.commit) {
            p.sm.q { "The commits between them: " code { "git log --oneline " (old) ".." (new) } }
        }
    }
}

/// What two environments declare and serve.
struct Side {
    id: LaneId,
    section: LaneSpec,
    serves: Option<Release>,
}

fn side(look: &Look, service: &str, environment: &str) -> Result<Side, ApiError> {
    let id = lane_id(service, environment)?;
    let matrix = look.engine.matrix();
    let section =
        matrix.as_ref().and_then(|matrix| matrix.lane(&id)).map(|(_, section)| section.clone());
    let section = section
        .ok_or_else(|| ApiError::not_found(&format!("there is no lane {id}"), "towpath status"))?;
    let serving = look.engine.lane_state(&id).serving;
    let serves =
        serving.and_then(|one| look.engine.release(&id.service, &one.deployment.release.version));
    Ok(Side { id, section, serves })
}

async fn of_environments(look: &Look, service: &str, left: &str, right: &str) -> Shown {
    let (one, other) = (side(look, service, left)?, side(look, service, right)?);
    let title = format!("{service} in {left} and {right}");
    let settings = changes(&one.section.settings, &other.section.settings);
    let release = |side: &Side| {
        side.serves.as_ref().map_or_else(|| "nothing".to_owned(), |it| it.version.to_string())
    };
    let is_same =
        one.serves.as_ref().map(|it| &it.digest) == other.serves.as_ref().map(|it| &it.digest);
    let content = html! {
        p.crumb { a href=(look.to("/")) { (look.engine.setup().project) } " / " (service) " / compare" }
        h1 { (title) }
        section.verdict aria-label="Difference" {
            p {
                @if is_same { b { "The same release." } " Both serve " (release(&one)) "." }
                @else { b { (left) " serves " (release(&one)) ", " (right) " " (release(&other)) "." } }
                " " (crate::pages::marks::counted(settings.len(), "setting")) @if settings.len() == 1 { " differs." } @else { " differ." }
            }
        }
        (served(look, &one, &other).await?)
        div.plain2 {
            section.sec { h2 { "Settings declared" } (setting_changes(&settings, left, right)) }
            section.sec { h2 { "Parity" } (parity(&one, &other, left, right)) }
            section.sec.whole { h2 { "As the matrix has both" } (tables(look, &one, &other)) }
        }
        p.sm { a href=(look.to(&words::lane_place(service, one.id.environment.as_str()))) { (left) } " · "
            a href=(look.to(&words::lane_place(service, other.id.environment.as_str()))) { (right) } }
    };
    Ok(Page { place: Place::Compare, title, content })
}

/// What both serve, side by side, and what the left one has on its way to the right one.
async fn served(look: &Look, one: &Side, other: &Side) -> Result<Markup, ApiError> {
    let (left, right) = (one.id.environment.as_str(), other.id.environment.as_str());
    let (Some(new), Some(old)) = (&one.serves, &other.serves) else {
        let found = one.serves.as_ref().map(|it| (left, it));
        let found = found.or(other.serves.as_ref().map(|it| (right, it)));
        return Ok(html! {
            section.sec { h2 { "Artefacts" }
                @match found {
                    Some((place, release)) => { p.q { "Only " (place) " serves anything: there is nothing to hold it against." } (artefacts(release, release)) }
                    None => p.q { "Neither serves anything yet." },
                }
            }
        });
    };
    let brought = changes(&old.settings, &new.settings);
    let (older, newer) = (old.version.as_str(), new.version.as_str());
    let (was, is) = (materials::of(look, old).await?, materials::of(look, new).await?);
    Ok(html! {
        section.sec { h2 { "Artefacts" } (artefacts(old, new)) }
        @if old.digest != new.digest {
            div.plain2.apart {
                section.sec { h2 { "Settings that the releases bring" } (setting_changes(&brought, older, newer)) }
                section.sec { h2 { "Migrations on the way to " (right) } (migrations(old, new)) }
                section.sec.whole { h2 { "Components and vulnerabilities" } (materials::section((older, was.as_ref()), (newer, is.as_ref()))) }
            }
            p.sm { a href=(look.to(&place(one.id.service.as_str(), older, newer))) { "Compare " (older) " and " (newer) " wherever they are" } }
        }
    })
}

/// The tables of the team's own page with both environments side by side, those rows first that differ.
fn tables(look: &Look, one: &Side, other: &Side) -> Markup {
    let names = [&one.id.environment, &other.id.environment];
    let matrix = look.engine.matrix();
    let all = matrix
        .as_ref()
        .map(|matrix| lane::tables::about(matrix, &one.id.service, &names))
        .unwrap_or_default();
    let differs = |values: &[&str]| values.windows(2).any(|pair| pair[0] != pair[1]);
    html! {
        table.tab.cards {
            thead { tr { th scope="col" { "What" } th scope="col" { (names[0]) } th scope="col" { (names[1]) } th scope="col" { "" } } }
            @for table in &all {
                @let rows = lane::tables::across(table);
                @let count = rows.iter().filter(|(_, values)| differs(values)).count();
                tbody {
                    tr { th.group scope="rowgroup" colspan="4" { (table.title) " " span.qq { @if count == 0 { "alike" } @else { (count) " of " (rows.len()) " differ" } } } }
                    @for (name, values) in rows.iter().filter(|(_, values)| differs(values)) {
                        tr { th scope="row" { (name) }
                            @for (name, value) in names.iter().zip(values) { td data-k=(name) { (value) } }
                            td { (state("half", "", "differs")) } }
                    }
                }
            }
        }
    }
}

/// What is compared, and how it is said of one lane.
type Row = (&'static str, fn(&LaneSpec) -> String);

/// Everything else that is declared, side by side, marked where it differs.
fn parity(one: &Side, other: &Side, left: &str, right: &str) -> Markup {
    let rows: [Row; 8] = [
        ("Target", |lane| lane.target.kind.clone()),
        ("Router", |lane| {
            lane.router.as_ref().map_or_else(|| "none".to_owned(), |it| it.kind.clone())
        }),
        ("Copies", |lane| lane.instances.to_string()),
        ("Checks before", |lane| lane.gate.prerequisites.len().to_string()),
        ("Checks on green", |lane| lane.gate.validation.len().to_string()),
        ("Steps", |lane| {
            lane.rollout
                .steps
                .iter()
                .map(|step| percent(step.weight.share()))
                .collect::<Vec<_>>()
                .join(", ")
        }),
        ("Stands by", |lane| lane.standby.to_string()),
        ("Health", |lane| lane.health.endpoints.join(", ")),
    ];
    html! {
        table.tab.cards {
            thead { tr { th scope="col" { "What" } th scope="col" { (left) } th scope="col" { (right) } th scope="col" { "" } } }
            tbody { @for (name, of) in rows {
                @let (before, after) = (of(&one.section), of(&other.section));
                tr { th scope="row" { (name) } td data-k=(left) { (before) } td data-k=(right) { (after) }
                    td { @if before == after { span.qq { "the same" } } @else { (state("half", "", "differs")) } } }
            } }
        }
    }
}

//! Releases: all of them, newest first, and one with what it is made of and where it has been. Owns how they
//! are listed; the comparison of two is [`super::compare`].

pub(super) mod evidence;

use std::collections::BTreeMap;

use axum::extract::{Path, Query};
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;
use towpath_core::ids::{LaneId, Name, Version};
use towpath_core::release::Release;
use towpath_engine::views::{LaneView, PromotionView, time as written};
use towpath_ports::materials::Materials;

use crate::error::{Answer, ApiError};
use crate::pages::frame::{Look, Page, Place, Shown};
use crate::pages::lane::shown;
use crate::pages::marks::{As, counted, digest, grouped, icon, state, time};
use crate::pages::promotions::{self, search};
use crate::pages::{materials, words};

/// How many releases one page lists.
const LISTED: usize = 50;
/// How many of its promotions are listed at once.
const PROMOTIONS: usize = 20;
/// Releases that one is offered to be compared with.
const OTHERS: usize = 5;

/// Whose releases, and from which on.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Wanted {
    service: Option<String>,
    #[serde(default)]
    from: usize,
}

pub(super) async fn list(look: Look, Query(wanted): Query<Wanted>) -> Response {
    let lanes = look.engine.status().lanes;
    let services: Vec<Name> = look
        .engine
        .matrix()
        .map(|matrix| matrix.services.into_keys().collect())
        .unwrap_or_default();
    let own = wanted.service.as_deref().and_then(|name| Name::new(name).ok());
    let latest = look.engine.latest_releases(own.as_ref(), wanted.from, LISTED);
    let (count, listed) = (latest.count, latest.releases);
    let content = html! {
        div.head { h1 { "Releases" } span.q { (grouped(count as u64)) } }
        @if services.len() > 1 { (of_service(&look, &services, own.as_ref())) }
        @if listed.is_empty() { (empty()) } @else { (table(&look, &lanes, &listed)) }
        (pager(&look, &wanted, count))
    };
    look.show(Ok(Page { place: Place::Releases, title: "Releases".to_owned(), content }))
}

fn empty() -> Markup {
    html! {
        div.empty {
            p { "A release is one immutable version of a service, kept by the digest of all it consists of: its bytes, its settings, "
                "its migrations. The same bytes are the same release, whoever names them." }
            code.cmd { "towpath release create 1.0.0 --artifact NAME=PATH" }
        }
    }
}

fn of_service(look: &Look, services: &[Name], own: Option<&Name>) -> Markup {
    html! {
        div.bar { div.seg role="group" aria-label="Service" {
            a href=(look.to("/releases")) aria-current=[own.is_none().then_some("true")] { "All" }
            @for service in services {
                a href=(look.to(&format!("/releases?service={service}"))) aria-current=[(own == Some(service)).then_some("true")] { (service) }
            }
        } }
    }
}

fn pager(look: &Look, wanted: &Wanted, count: usize) -> Markup {
    let service = wanted.service.as_deref().and_then(|name| Name::new(name).ok());
    let to = |from: usize| {
        let own = service.as_ref().map(|name| format!("&service={name}")).unwrap_or_default();
        look.to(&format!("/releases?from={from}{own}"))
    };
    html! {
        p.pager {
            @if wanted.from > 0 { a href=(to(wanted.from.saturating_sub(LISTED))) rel="prev" { "Newer" } }
            @if wanted.from + LISTED < count { a href=(to(wanted.from + LISTED)) rel="next" { "Older" } }
        }
    }
}

/// The address of a release.
pub(super) fn place(service: &str, version: &str) -> String {
    format!("/releases/{service}/{version}")
}

fn table(look: &Look, lanes: &[LaneView], listed: &[Release]) -> Markup {
    html! {
        table.tab.cards {
            thead { tr {
                th scope="col" { "Release" } th scope="col" { "Type" } th scope="col" { "By" }
                th scope="col" { "Where it is" } th scope="col" { "Digest" } th.r scope="col" { "Created" }
            } }
            tbody {
                @for release in listed {
                    @let (service, version) = (release.service.as_str(), release.version.as_str());
                    tr {
                        th scope="row" { a href=(look.to(&place(service, version))) data-line { (service) " " (version) }
                            @if release.snapshot { " " span.qq { "snapshot" } } }
                        td { (release.change_type.as_str()) }
                        td { @if let Some(author) = release.author.as_ref().or(release.created_by.as_ref()) { (author) } }
                        td { (whereabouts(lanes, service, version)) }
                        td { (digest(release.digest.as_str())) }
                        td.r { (time(&written(release.created_at), As::Clock, look.now())) }
                    }
                }
            }
        }
    }
}

/// Where it serves, is on its way, or may not enter.
fn whereabouts(lanes: &[LaneView], service: &str, version: &str) -> Markup {
    let own: Vec<&LaneView> = lanes.iter().filter(|lane| lane.service == service).collect();
    let serves =
        own.iter().filter(|lane| lane.serves.as_ref().is_some_and(|it| it.release == version));
    let serving: Vec<&str> = serves.map(|lane| lane.environment.as_str()).collect();
    let out = own.iter().filter(|lane| lane.quarantined.iter().any(|one| one.release == version));
    let out: Vec<&str> = out.map(|lane| lane.environment.as_str()).collect();
    let verified = own.iter().filter(|lane| lane.verified.iter().any(|one| one == version));
    let verified: Vec<&str> = verified
        .map(|lane| lane.environment.as_str())
        .filter(|name| !serving.contains(name))
        .collect();
    html! {
        @if !serving.is_empty() { (state("ok", "", &format!("serves {}", serving.join(", ")))) " " }
        @if !verified.is_empty() { span.q { "verified in " (verified.join(", ")) } " " }
        @if !out.is_empty() { (state("ban", "held", &format!("quarantined in {}", out.join(", ")))) }
        @if serving.is_empty() && verified.is_empty() && out.is_empty() { span.qq { "nowhere yet" } }
    }
}

/// From which promotion on.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Part {
    before: Option<u64>,
}

pub(super) async fn show(
    look: Look,
    Path((service, version)): Path<(String, String)>,
    Query(part): Query<Part>,
) -> Response {
    let shown = page(&look, &service, &version, part.before).await;
    look.show(shown)
}

/// The release of an address.
pub(super) fn found(look: &Look, service: &str, version: &str) -> Result<Release, ApiError> {
    let none = || ApiError::not_found("there is no such release", "towpath release list");
    let service = Name::new(service).map_err(|_| none())?;
    let version = Version::new(version).map_err(|_| none())?;
    look.engine.release(&service, &version).ok_or_else(none)
}

async fn page(look: &Look, service: &str, version: &str, before: Option<u64>) -> Shown {
    let release = found(look, service, version)?;
    let lanes: Vec<LaneView> =
        look.engine.status().lanes.into_iter().filter(|lane| lane.service == service).collect();
    let promotions = materials::promotions(look, &release.service, version).await?;
    let history = history(look, &lanes, version, before).await?;
    let served = served(look, &release, &lanes).await?;
    let own = look.engine.materials(&release, &promotions).await;
    let title = format!("{service} {version}");
    let content = html! {
        p.crumb { a href=(look.to("/")) { (look.engine.setup().project) } " / " a href=(look.to("/releases")) { "releases" } " / " (service) }
        div.head { h1 { (title) } span.q { (release.change_type.as_str()) } }
        (meta(look, &release))
        div.plain2 {
            section.sec id="where" data-live { h2 { "Where it has been" } (been(look, &lanes, version)) }
            section.sec { h2 { "What it is made of" } (parts(&release)) }
            section.sec.whole id="history" data-live { h2 { "Its promotions" } (promotions::history(look, &history, &place(service, version), before)) }
            section.sec { h2 { "What was shown of it" } (evidence::section(look, service, version, &promotions)) }
            section.sec.whole { h2 { "Components and vulnerabilities" } (against((version, own.as_ref()), &served)) }
            section.sec { h2 { "Settings it brings" } (settings(&release.settings)) }
            section.sec { h2 { "Migrations" } (migrations(&release)) }
            @if !release.evidence.is_empty() { section.sec { h2 { "What it brings for whoever agrees" } (brought(&release)) } }
            section.sec { h2 { "Compare" } (compare(look, &release)) }
        }
    };
    Ok(Page { place: Place::Releases, title, content })
}

/// Its promotions, a page of them.
async fn history(
    look: &Look,
    lanes: &[LaneView],
    version: &str,
    before: Option<u64>,
) -> Answer<search::Found> {
    let ids = lanes.iter().map(|lane| format!("{}/{}", lane.service, lane.environment));
    let lanes = Some(ids.filter_map(|id| LaneId::try_from(id).ok()).collect());
    let is = |one: &PromotionView| one.release == version;
    let sought = search::Sought { lanes, before, count: PROMOTIONS, is: &is, since: None };
    search::found(look, sought).await
}

/// What serves in production beside this release, with what it consists of.
async fn served(
    look: &Look,
    release: &Release,
    lanes: &[LaneView],
) -> Result<Vec<(String, String, Option<Materials>)>, ApiError> {
    let mut all: Vec<(String, String, Option<Materials>)> = Vec::new();
    for lane in lanes.iter().filter(|lane| lane.tier == "production") {
        let Some(serves) = &lane.serves else { continue };
        let is_known = all.iter().any(|(_, version, _)| *version == serves.release);
        if serves.release == release.version.as_str() || is_known {
            continue;
        }
        let bill = match found(look, release.service.as_str(), &serves.release) {
            Ok(serving) => materials::of(look, &serving).await?,
            Err(_) => None,
        };
        all.push((lane.environment.clone(), serves.release.clone(), bill));
    }
    Ok(all)
}

type Named<'a> = (&'a str, Option<&'a Materials>);

fn against((version, own): Named<'_>, served: &[(String, String, Option<Materials>)]) -> Markup {
    html! {
        @if let Some(own) = own {
            p.q { (counted(own.components.len(), "component")) ", and " (counted(own.vulnerabilities.len(), "known weakness").replace("weaknesss", "weaknesses")) " in them, as its bills say." }
        }
        @if served.is_empty() {
            p.q { "There is nothing to hold it against: in production nothing else serves." }
        }
        @for (environment, before, bill) in served {
            h3 { "Against " (before) ", which serves in " (environment) }
            (materials::section((before, bill.as_ref()), (version, own)))
        }
    }
}

fn meta(look: &Look, release: &Release) -> Markup {
    html! {
        p.meta {
            span { "created " (time(&written(release.created_at), As::Clock, look.now())) }
            @if let Some(author) = &release.author { span { "written by " b { (author) } } }
            @if let Some(by) = &release.created_by { span { "created by " b { (by) } } }
            @if let Some(commit) = &release.commit { span { "commit " b.mono { (commit.chars().take(12).collect::<String>()) } } }
            @if let Some(branch) = &release.branch { span { "branch " b { (branch) } } }
            span { "digest " b.mono { (release.digest.hex()) } }
            @if let Some(by) = &release.type_by { span { "its type was told by " (by) } }
        }
    }
}

fn been(look: &Look, lanes: &[LaneView], version: &str) -> Markup {
    html! {
        table.tab { tbody {
            @for lane in lanes {
                tr {
                    th scope="row" { a href=(look.to(&words::lane_place(&lane.service, &lane.environment))) { (lane.environment) } }
                    td {
                        @if let Some(out) = lane.quarantined.iter().find(|one| one.release == version) {
                            (state("ban", "held", "quarantined")) br; span.q { (crate::pages::marks::sentence(&out.reason)) }
                        } @else if let Some(serves) = lane.serves.as_ref().filter(|it| it.release == version) {
                            (state("ok", "", "serves")) " for " (time(&serves.since, As::Age, look.now()))
                        } @else if lane.promotion.as_ref().is_some_and(|it| it.release == version) {
                            (state("now", "", "on its way"))
                        } @else if lane.standby.as_ref().is_some_and(|it| it.release == version) {
                            (state("back", "", "stands by"))
                        } @else if lane.verified.iter().any(|one| one == version) {
                            (state("ok", "", "verified")) span.q { ", serves no more" }
                        } @else { span.qq { "not yet" } }
                    }
                }
            }
        } }
    }
}

fn parts(release: &Release) -> Markup {
    html! {
        @if release.artifacts.is_empty() { p.q { "Nothing is deployed of it: it changes settings or migrations alone." } }
        table.tab { tbody {
            @for (name, one) in &release.artifacts {
                tr {
                    th scope="row" { (name) }
                    td { (digest(one.digest.as_str())) }
                    td { (one.source) }
                    td.r { @if one.size > 0 { (grouped(one.size)) " bytes" } @else { "in a registry" } }
                }
            }
        } }
    }
}

fn settings(all: &BTreeMap<String, String>) -> Markup {
    html! {
        @if all.is_empty() { p.q { "None; those of the lane hold." } }
        table.tab { tbody {
            @for (name, value) in all { tr { th scope="row" { span.mono { (name) } } td { span.mono { (shown(name, value)) } } } }
        } }
    }
}

fn migrations(release: &Release) -> Markup {
    html! {
        @if release.migrations.is_empty() { p.q { "It changes no stored data." } }
        ul.checks {
            @for one in &release.migrations {
                li { (icon(if one.reversible { "ok" } else { "warn" }))
                    div { b { (one.name) } span { @if one.reversible { "The release before works after it." } @else { "Cannot be undone: going back would lose data." } } } }
            }
        }
    }
}

fn brought(release: &Release) -> Markup {
    html! {
        table.tab { tbody {
            @for (name, one) in &release.evidence {
                tr { th scope="row" { (name) } td { (digest(one.digest.as_str())) } td { (one.source) } td.r { (grouped(one.size)) " bytes" } }
            }
        } }
    }
}

fn compare(look: &Look, release: &Release) -> Markup {
    // One more, because it may be among them itself.
    let latest = look.engine.latest_releases(Some(&release.service), 0, OTHERS + 1);
    let others = latest.releases.iter().filter(|one| one.version != release.version);
    let others: Vec<&Release> = others.take(OTHERS).collect();
    html! {
        @if others.is_empty() { p.q { "There is no other release of " (release.service) " to compare it with." } }
        ul {
            @for one in &others {
                li { a href=(look.to(&super::compare::place(release.service.as_str(), one.version.as_str(), release.version.as_str()))) {
                    "with " (one.version) } }
            }
        }
        @if others.len() == OTHERS { p.sm.qq { "The newest " (OTHERS) " of " (counted(latest.count, "release")) "." } }
    }
}

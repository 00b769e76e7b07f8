//! What a release consists of and what is weak in it, beside another release. Owns the tables; which bill is of which
//! release said the checks that read it.

use std::collections::BTreeSet;

use maud::{Markup, html};
use towpath_core::ids::{LaneId, Name};
use towpath_core::release::Release;
use towpath_engine::views::PromotionView;
use towpath_ports::materials::{Materials, MaterialsDelta};

use crate::error::ApiError;
use crate::pages::frame::Look;
use crate::pages::marks::{counted, icon, state};

/// How many promotions of each lane are looked through for those of one release.
const LOOKED_AT: u32 = 100;
/// Rows that are listed of each kind; the bill has all of them.
const LISTED: usize = 40;

/// Promotions of one release, in all environments, the newest first.
pub(super) async fn promotions(
    look: &Look,
    service: &Name,
    version: &str,
) -> Result<Vec<PromotionView>, ApiError> {
    let mut found = Vec::new();
    let matrix = look.engine.matrix();
    for environment in matrix.iter().flat_map(|matrix| &matrix.environments) {
        let id = LaneId { service: service.clone(), environment: environment.name.clone() };
        let own = look.engine.promotions(Some(&id), None, LOOKED_AT).await?;
        found.extend(own.into_iter().filter(|one| one.release == version));
    }
    found.sort_by_key(|one| std::cmp::Reverse(one.number));
    Ok(found)
}

/// What a release consists of, as far as a check read it or the release brings it.
pub(super) async fn of(look: &Look, release: &Release) -> Result<Option<Materials>, ApiError> {
    let all = promotions(look, &release.service, release.version.as_str()).await?;
    Ok(look.engine.materials(release, &all).await)
}

/// How one release differs from another; each with its name.
pub(super) fn section(
    (before, old): (&str, Option<&Materials>),
    (after, new): (&str, Option<&Materials>),
) -> Markup {
    let missing = match (old, new) {
        (Some(old), Some(new)) => {
            return html! { (delta(&new.since(old))) (tells((before, old), (after, new))) };
        }
        (None, Some(_)) => before.to_owned(),
        (Some(_), None) => after.to_owned(),
        (None, None) => format!("{before} nor of {after}"),
    };
    html! {
        p.q { "Nothing is known of the materials of " (missing) ": no check of the kind " code { "cyclonedx" } " read a bill of it that is still kept, and it brings none. "
            code { "towpath release create VERSION --evidence sbom=FILE" } " brings one, CycloneDX or SPDX in JSON." }
    }
}

/// Whoever reads that nothing is weak is told whether anybody looked.
fn tells((before, old): (&str, &Materials), (after, new): (&str, &Materials)) -> Markup {
    let silent: Vec<&str> = [(before, old), (after, new)]
        .into_iter()
        .filter(|(_, bill)| !bill.tells_vulnerabilities)
        .map(|(name, _)| name)
        .collect();
    html! {
        @if !silent.is_empty() {
            p.sm { span.st.wrap.wait { (icon("half")) "The bill of " (silent.join(" and that of ")) " tells of no vulnerabilities, and does not say that it looked for any." } }
        }
    }
}

fn delta(delta: &MaterialsDelta) -> Markup {
    let MaterialsDelta { added, removed, changed, worse, better } = delta;
    let is_same = [added.len(), removed.len(), changed.len(), worse.len(), better.len()] == [0; 5];
    html! {
        p {
            @if is_same { b { "The same." } " Both consist of the same components, and the same is known to be weak in them." } @else {
                b { (counted(worse.len(), "vulnerability").replace("vulnerabilitys", "vulnerabilities")) " came" } ", "
                (better.len()) " went. " (counted(added.len(), "component")) " came, " (removed.len()) " went, " (changed.len()) " changed their version."
            }
        }
        @if !worse.is_empty() || !better.is_empty() {
            table.tab {
                thead { tr { th scope="col" { "Vulnerability" } th scope="col" { "In" } th scope="col" { "Severity" } th scope="col" { "" } } }
                tbody {
                    (weak(worse, "warn", "harm", "came"))
                    (weak(better, "ok", "", "went"))
                }
            }
        }
        @if !added.is_empty() || !removed.is_empty() || !changed.is_empty() {
            details id="components" {
                summary.sm { "Components" }
                table.tab {
                    thead { tr { th scope="col" { "Component" } th scope="col" { "Before" } th scope="col" { "After" } } }
                    tbody {
                        @for (name, versions) in added.iter().take(LISTED) { tr { th scope="row" { (name) } td.qq { "none" } td { (joined(versions)) } } }
                        @for (name, before, after) in changed.iter().take(LISTED) { tr { th scope="row" { (name) } td { (joined(before)) } td { (joined(after)) } } }
                        @for (name, versions) in removed.iter().take(LISTED) { tr { th scope="row" { (name) } td { (joined(versions)) } td.qq { "gone" } } }
                    }
                }
                @if [added.len(), removed.len(), changed.len()].into_iter().any(|count| count > LISTED) {
                    p.sm.qq { "The first " (LISTED) " of each; the bills have all." }
                }
            }
        }
    }
}

fn weak(all: &[(String, String, Option<String>)], mark: &str, class: &str, word: &str) -> Markup {
    html! {
        @for (id, package, severity) in all.iter().take(LISTED) {
            tr {
                th scope="row" { (id) } td { (package) }
                td { @match severity { Some(severity) => (severity), None => span.qq { "nobody says" } } }
                td { (state(mark, class, word)) }
            }
        }
        @if all.len() > LISTED { tr { td colspan="4" { "and " (all.len() - LISTED) " more that " (word) } } }
    }
}

fn joined(versions: &BTreeSet<String>) -> String {
    versions.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}

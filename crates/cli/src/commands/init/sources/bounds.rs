//! Texts of a source that no matrix takes, being too long or no texts, are left out, and said. Owns how
//! long is too long; shortens nothing, for half a command is another command.

use towpath_config::{StarterSection, StarterTarget, StarterValue};

use super::findings::{Findings, FoundLane, Said};
use super::names::shortened;

/// Most bytes of one text. A path of Linux has 4096 at the most (`PATH_MAX`), and the names of images,
/// functions and stacks far fewer; a matrix takes 8 KB.
const LONGEST_TEXT: usize = 4096;
/// Most words of a command; a matrix takes 1000.
const MOST_WORDS: usize = 100;

/// Leaves out what is too long.
pub(super) fn hold(found: &mut Findings) {
    let said = &mut found.said;
    for (name, lane) in &mut found.everywhere {
        hold_lane(lane, name.as_str(), said);
    }
    sections(&mut found.first, said);
    for environment in &mut found.environments {
        if environment.url.as_ref().is_some_and(|url| !is_taken(url)) {
            environment.url = None;
            said.left_out(format!("the url of {}: it is too long, or no text", environment.name));
        }
        sections(&mut environment.sections, said);
        for (name, lane) in &mut environment.lanes {
            hold_lane(lane, name.as_str(), said);
        }
    }
    for service in &mut found.services {
        if !is_taken(&service.purpose) {
            service.purpose.clear();
        }
    }
}

fn hold_lane(lane: &mut FoundLane, name: &str, said: &mut Said) {
    if lane.target.as_ref().is_some_and(is_not_taken) {
        lane.target = None;
        said.left_out(format!("what runs {name}: its text is too long, or no text"));
    }
    lane.details.retain(|key, value| {
        let fits = fits(value);
        if !fits {
            said.left_out(format!("{key} of {name}: it is too long, or no text"));
        }
        fits
    });
    lane.settings.retain(|key, value| {
        let fits = is_name(key) && is_taken(value);
        if !fits {
            said.left_out(format!("{} of {name}: it is too long, or no text", shortened(key)));
        }
        fits
    });
    lane.secrets.retain(|key, _| is_name(key));
    if lane.migration.as_ref().is_some_and(|it| !are_taken(&it.command)) {
        lane.migration = None;
        said.left_out(format!("the migration of {name}: its command is too long, or no text"));
    }
    let mut resources: Vec<StarterSection> = lane.resources.take().into_iter().collect();
    sections(&mut resources, said);
    lane.resources = resources.pop();
    let endpoints = lane.health.as_ref().map(|it| &it.endpoints);
    if endpoints.is_some_and(|all| all.iter().any(|it| !is_taken(it))) {
        lane.health = None;
        said.left_out(format!("the health of {name}: its path is too long, or no text"));
    }
}

/// Whether a text may stand in a matrix: a zero byte ends a text for every program that gets it.
fn is_taken(text: &str) -> bool {
    text.len() <= LONGEST_TEXT && !text.contains('\0')
}

fn are_taken(words: &[String]) -> bool {
    words.len() <= MOST_WORDS
        && words.iter().all(|word| is_taken(word))
        && words.iter().map(String::len).sum::<usize>() <= LONGEST_TEXT
}

/// Whether a variable may be called so.
fn is_name(key: &str) -> bool {
    is_taken(key) && !key.is_empty() && !key.contains('=')
}

fn fits(value: &StarterValue) -> bool {
    match value {
        StarterValue::Text(text) => is_taken(text),
        StarterValue::Texts(texts) => are_taken(texts),
        StarterValue::Flag(_) | StarterValue::Count(_) => true,
    }
}

fn is_not_taken(target: &StarterTarget) -> bool {
    let long = |text: &String| !is_taken(text);
    match target {
        StarterTarget::Process(words) => !are_taken(words),
        StarterTarget::Docker(artifact, image) => {
            long(artifact) || image.as_ref().is_some_and(long)
        }
        StarterTarget::Lambda(function, region) => {
            long(function) || region.as_ref().is_some_and(long)
        }
        StarterTarget::CloudFormation(stack, template) => long(stack) || long(template),
    }
}

/// Drops fields that are too long, and sections that have nothing else.
fn sections(all: &mut Vec<StarterSection>, said: &mut Said) {
    for section in all.iter_mut() {
        let name = section.name;
        section.fields.retain(|(key, value)| {
            let fits = fits(value);
            if !fits {
                said.left_out(format!("{key} of {name}: it is too long, or no text"));
            }
            fits
        });
    }
    all.retain(|section| !section.fields.is_empty());
}

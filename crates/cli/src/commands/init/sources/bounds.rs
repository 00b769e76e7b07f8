//! Texts of a source that are too long for a matrix are left out, and said. Owns how long is too
//! long; shortens nothing, for half a command is another command.

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
        if environment.url.as_ref().is_some_and(|url| url.len() > LONGEST_TEXT) {
            environment.url = None;
            said.left_out(format!("the url of {}: it is too long", environment.name));
        }
        sections(&mut environment.sections, said);
        for (name, lane) in &mut environment.lanes {
            hold_lane(lane, name.as_str(), said);
        }
    }
    for service in &mut found.services {
        if service.purpose.len() > LONGEST_TEXT {
            service.purpose.clear();
        }
    }
}

fn hold_lane(lane: &mut FoundLane, name: &str, said: &mut Said) {
    if lane.target.as_ref().is_some_and(is_too_long) {
        lane.target = None;
        said.left_out(format!("what runs {name}: its text is too long"));
    }
    lane.details.retain(|key, value| {
        let fits = fits(value);
        if !fits {
            said.left_out(format!("{key} of {name}: it is too long"));
        }
        fits
    });
    lane.settings.retain(|key, value| {
        let fits = key.len() + value.len() <= LONGEST_TEXT;
        if !fits {
            said.left_out(format!("{} of {name}: it is too long", shortened(key)));
        }
        fits
    });
    lane.secrets.retain(|key, _| key.len() <= LONGEST_TEXT);
    let is_long = |words: &[String]| words.iter().map(String::len).sum::<usize>() > LONGEST_TEXT;
    if lane.migration.as_ref().is_some_and(|it| is_long(&it.command)) {
        lane.migration = None;
        said.left_out(format!("the migration of {name}: its command is too long"));
    }
    let mut resources: Vec<StarterSection> = lane.resources.take().into_iter().collect();
    sections(&mut resources, said);
    lane.resources = resources.pop();
    let endpoints = lane.health.as_ref().map(|it| &it.endpoints);
    if endpoints.is_some_and(|all| all.iter().any(|it| it.len() > LONGEST_TEXT)) {
        lane.health = None;
        said.left_out(format!("the health of {name}: its path is too long"));
    }
}

fn fits(value: &StarterValue) -> bool {
    match value {
        StarterValue::Text(text) => text.len() <= LONGEST_TEXT,
        StarterValue::Texts(texts) => {
            texts.len() <= MOST_WORDS
                && texts.iter().map(String::len).sum::<usize>() <= LONGEST_TEXT
        }
        StarterValue::Flag(_) | StarterValue::Count(_) => true,
    }
}

fn is_too_long(target: &StarterTarget) -> bool {
    let long = |text: &String| text.len() > LONGEST_TEXT;
    match target {
        StarterTarget::Process(words) => {
            words.len() > MOST_WORDS || words.iter().map(String::len).sum::<usize>() > LONGEST_TEXT
        }
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
                said.left_out(format!("{key} of {name}: it is too long"));
            }
            fits
        });
    }
    all.retain(|section| !section.fields.is_empty());
}

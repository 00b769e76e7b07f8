//! Texts of a source that no matrix takes, being too long, no texts or secrets, are left out, and said.
//! Owns how long is too long; shortens nothing, for half a command is another command.

use towpath_config::{
    StarterSecret, StarterSection, StarterTarget, StarterValue, holds_a_secret, is_secret,
};

use super::findings::{Findings, FoundLane, Said};
use super::names::shortened;

/// Most bytes of one text. A path of Linux has 4096 at the most (`PATH_MAX`), and the names of images,
/// functions and stacks far fewer; a matrix takes 8 KB.
const LONGEST_TEXT: usize = 4096;
/// Most words of a command; a matrix takes 1000.
const MOST_WORDS: usize = 100;

/// Why something is left out.
const LONG: &str = "it is too long, or no text";
const SECRET: &str = "a secret stands in it, which is not repeated here";

/// Leaves out what is too long or holds a secret.
pub(super) fn hold(found: &mut Findings) {
    let said = &mut found.said;
    for list in [&mut said.read, &mut said.assumed, &mut said.left_out] {
        list.retain(|sentence| !repeats_a_secret(sentence));
    }
    for (name, lane) in &mut found.everywhere {
        hold_lane(lane, name.as_str(), said);
    }
    sections(&mut found.first, said);
    for environment in &mut found.environments {
        if let Some(why) = environment.url.as_deref().and_then(against_text) {
            environment.url = None;
            said.left_out(format!("the url of {}: {why}", environment.name));
        }
        sections(&mut environment.sections, said);
        for (name, lane) in &mut environment.lanes {
            hold_lane(lane, name.as_str(), said);
        }
    }
    for service in &mut found.services {
        if against_text(&service.purpose).is_some() {
            service.purpose.clear();
        }
    }
}

fn hold_lane(lane: &mut FoundLane, name: &str, said: &mut Said) {
    if let Some(why) = lane.target.as_ref().and_then(against_target) {
        lane.target = None;
        said.left_out(format!("what runs {name}: {why}"));
    }
    lane.details.retain(|key, value| {
        let why = against(value);
        if let Some(why) = why {
            said.left_out(format!("{key} of {name}: {why}"));
        }
        why.is_none()
    });
    hold_variables(lane, name, said);
    if let Some(why) = lane.migration.as_ref().and_then(|it| against_words(&it.command)) {
        lane.migration = None;
        said.left_out(format!("the migration of {name}: {why}"));
    }
    let mut resources: Vec<StarterSection> = lane.resources.take().into_iter().collect();
    sections(&mut resources, said);
    lane.resources = resources.pop();
    let mut endpoints = lane.health.iter().flat_map(|it| &it.endpoints);
    if let Some(why) = endpoints.find_map(|it| against_text(it)) {
        lane.health = None;
        said.left_out(format!("the path of the health of {name}: {why}"));
    }
}

fn hold_variables(lane: &mut FoundLane, name: &str, said: &mut Said) {
    let secrets = &mut lane.secrets;
    lane.settings.retain(|key, value| {
        let fits = is_name(key) && is_taken(value);
        if !fits {
            said.left_out(format!("{} of {name}: {LONG}", shortened(key)));
        } else if is_secret(key, value) {
            said.left_out(format!("the value of {} of {name}: {SECRET}", shortened(key)));
            secrets.insert(key.clone(), StarterSecret::Variable);
            return false;
        }
        fits
    });
    lane.secrets.retain(|key, _| is_name(key));
}

/// Whether a text may stand in a matrix: a zero byte ends a text for every program that gets it.
fn is_taken(text: &str) -> bool {
    text.len() <= LONGEST_TEXT && !text.contains('\0')
}

/// What speaks against a text, which is a secret where it tells itself.
fn against_text(text: &str) -> Option<&'static str> {
    if is_taken(text) { is_secret("", text).then_some(SECRET) } else { Some(LONG) }
}

fn against_words(words: &[String]) -> Option<&'static str> {
    let are_taken = words.len() <= MOST_WORDS
        && words.iter().all(|word| is_taken(word))
        && words.iter().map(String::len).sum::<usize>() <= LONGEST_TEXT;
    if !are_taken {
        return Some(LONG);
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    holds_a_secret(&words).then_some(SECRET)
}

/// Whether a sentence has words that the check takes for a secret, as those of a command.
fn repeats_a_secret(sentence: &str) -> bool {
    let words: Vec<&str> =
        sentence.split_whitespace().map(|word| word.trim_matches(['`', ',', ';'])).collect();
    holds_a_secret(&words)
}

/// Whether a variable may be called so.
fn is_name(key: &str) -> bool {
    is_taken(key) && !key.is_empty() && !key.contains('=')
}

fn against(value: &StarterValue) -> Option<&'static str> {
    match value {
        StarterValue::Text(text) => against_text(text),
        StarterValue::Texts(texts) => against_words(texts),
        StarterValue::Flag(_) | StarterValue::Count(_) => None,
    }
}

fn against_target(target: &StarterTarget) -> Option<&'static str> {
    let both = |one: &str, other: Option<&String>| {
        against_text(one).or_else(|| other.and_then(|it| against_text(it)))
    };
    match target {
        StarterTarget::Process(words) => against_words(words),
        StarterTarget::Docker(artifact, image) => both(artifact, image.as_ref()),
        StarterTarget::Lambda(function, region) => both(function, region.as_ref()),
        StarterTarget::CloudFormation(stack, template) => both(stack, Some(template)),
    }
}

/// Drops fields that are too long or secret, and sections that have nothing else.
fn sections(all: &mut Vec<StarterSection>, said: &mut Said) {
    for section in all.iter_mut() {
        let name = section.name;
        section.fields.retain(|(key, value)| {
            let why = against(value);
            if let Some(why) = why {
                said.left_out(format!("{key} of {name}: {why}"));
            }
            why.is_none()
        });
    }
    all.retain(|section| !section.fields.is_empty());
}

//! A change of the matrix that people must agree to before it counts: what was proposed, who must agree,
//! who has. Applies nothing, and knows no file.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::approvals::{Asked, Need, Word, filled};
use crate::ids::{Digest, Name, Person};
use crate::journal::Event;
use crate::matrix::Matrix;
use crate::people::{Right, Verb};
use crate::plan::is_named;
use crate::project::Common;
use crate::reason::{Refusal, RefusalKind};
use crate::speaking::{Says, Signed, Spoken};
use crate::units::Timestamp;

mod keys;
mod source;
mod waiting;

pub use keys::{KeyAsked, taken_out, word_for_key};
pub use source::{MatrixCommit, MatrixSource};
pub use waiting::MatrixWait;

/// Most changed places that are kept with a change; whoever changes more of them reads the files.
pub const MOST_CHANGES: usize = 200;

/// A changed matrix that waits for people. There is one at most: a newer one takes its place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Proposal {
    /// All of it, resolved.
    pub matrix: Box<Matrix>,
    /// What people agree to: this matrix in place of the one that is in force.
    pub plan: Digest,
    /// The places that differ, as dotted paths, sorted.
    pub changes: Vec<String>,
    /// Who wants it.
    pub by: Person,
    /// Since when.
    pub since: Timestamp,
    /// Who agreed, each person's last word.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<Word>,
    /// The order as it was signed, where whoever wants it has a key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed: Option<Signed>,
    /// When people were told last that it waits for them, after the first time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reminded_at: Option<Timestamp>,
}

/// A person's yes or no to a changed matrix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatrixWord {
    /// Who.
    pub by: Person,
    /// To which plan; its hash, or the beginning of it.
    pub plan: String,
    /// Yes or no.
    pub agrees: bool,
    /// What they add; why, of a no.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The words as they were signed, of whoever has a key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed: Option<Signed>,
}

/// How many people of each role must agree before `next` counts in place of `now`: for each role the
/// larger number of both, so that nobody gets round a rule by taking it out. Empty where nobody has to:
/// also where nobody is named in what is in force, because nobody could.
pub fn needed(now: Option<&Matrix>, next: &Matrix) -> Vec<Need> {
    let Some(now) = now.filter(|now| now.knows_people()) else { return Vec::new() };
    let mut needed: Vec<Need> = now.approvals.clone();
    for one in &next.approvals {
        match needed.iter_mut().find(|known| known.role == one.role) {
            Some(known) => known.people = known.people.max(one.people),
            None => needed.push(one.clone()),
        }
    }
    needed
}

/// Whether a matrix could be changed again: somebody may propose another one, and enough others who may
/// agree have the roles.
pub fn can_be_changed(matrix: &Matrix) -> bool {
    let people: Vec<&Person> =
        matrix.people.iter().filter(|(_, spec)| !spec.bot).map(|(name, _)| name).collect();
    let roles = |person: &Person| matrix.people[person].roles_at(None);
    let may = |verb: Verb, person: &Person| match matrix.right(verb, None) {
        Right::Roles(allowed) => roles(person).iter().any(|role| allowed.contains(*role)),
        Right::Everybody => true,
        Right::Nobody => false,
    };
    let agreed_by_others = |proposer: &Person| {
        let others = people.iter().filter(|name| **name != proposer && may(Verb::Approve, name));
        let others: Vec<Person> = others.map(|name| (*name).clone()).collect();
        filled(&matrix.approvals, &others, roles).iter().all(|one| one.missing() == 0)
    };
    let nobody_is_asked = matrix.approvals.is_empty() || !matrix.knows_people();
    let mut proposers = people.iter().filter(|name| may(Verb::ApplyMatrix, name));
    nobody_is_asked || proposers.any(|proposer| agreed_by_others(proposer))
}

/// The hash that people agree to.
fn plan(now: Option<&Matrix>, next: &Matrix) -> Digest {
    Digest::of_json(&(now.map(Digest::of_json), Digest::of_json(next)))
}

/// The dotted paths of what differs between two matrices, sorted, at most [`MOST_CHANGES`]. Whole entries
/// that come or go are one place.
pub fn changes(now: Option<&Matrix>, next: &Matrix) -> Vec<String> {
    places(now, next).into_keys().take(MOST_CHANGES).collect()
}

/// A place that differs between two matrices.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Its dotted path, as [`changes`] has it.
    pub path: String,
    /// What stood there; none: nothing.
    pub was: Option<Value>,
    /// What stands there; none: nothing any more.
    pub now: Option<Value>,
}

/// The places of [`changes`] with what stands there, `hide` having taken out of each matrix what readers are not
/// shown. Where both sides are the same afterwards a place is among them still: something hidden changed.
pub fn differences(
    now: Option<&Matrix>,
    next: &Matrix,
    hide: impl Fn(&mut Value),
) -> Vec<Difference> {
    let shown = |matrix: &Matrix| {
        let mut value = serde_json::json!(matrix);
        hide(&mut value);
        shaped(value, matrix.services.len() == 1)
    };
    let (old, new) = (now.map(shown), shown(next));
    let found = places(now, next).into_iter().take(MOST_CHANGES);
    let places = found.map(|(path, steps)| match (steps.as_slice(), &old) {
        ([only], Some(old)) if only == "environments" => {
            Difference { path, was: named(old), now: named(&new) }
        }
        (steps, old) => {
            let was = old.as_ref().and_then(|old| at(old, steps));
            Difference { path, was, now: at(&new, steps) }
        }
    });
    places.collect()
}

/// The names of the environments, where it is their order that differs.
fn named(shape: &Value) -> Option<Value> {
    let all = shape.get("environments")?.as_object()?;
    Some(all.keys().cloned().collect::<Vec<_>>().into())
}

fn at(shape: &Value, steps: &[String]) -> Option<Value> {
    steps.iter().try_fold(shape, |value, step| value.get(step)).cloned()
}

/// The places that differ, by path, each with the keys that lead to it.
fn places(now: Option<&Matrix>, next: &Matrix) -> BTreeMap<String, Vec<String>> {
    let mut found = BTreeMap::new();
    let order = |matrix: &Matrix| -> Vec<Name> {
        matrix.environments.iter().map(|one| one.name.clone()).collect()
    };
    if now.is_some_and(|now| order(now) != order(next)) {
        found.insert("environments".to_owned(), vec!["environments".to_owned()]);
    }
    let now = now.map(shape).unwrap_or_default();
    differing(&[], &now, &shape(next), &mut found);
    found
}

/// The matrix as values whose paths are about those of the file: environments by name, and what belongs to
/// the only service in its environment itself.
fn shape(matrix: &Matrix) -> Value {
    shaped(serde_json::json!(matrix), matrix.services.len() == 1)
}

fn shaped(mut value: Value, is_alone: bool) -> Value {
    let by_name = |mut environment: Value| {
        let name = environment["name"].as_str().unwrap_or_default().to_owned();
        let lanes = environment["lanes"].take();
        match (is_alone, environment.as_object_mut(), &lanes) {
            (true, Some(own), Value::Object(lanes)) => {
                own.remove("lanes");
                let sections = lanes.values().filter_map(Value::as_object).flatten();
                own.extend(sections.map(|(key, value)| (key.clone(), value.clone())));
            }
            _ => environment["services"] = lanes,
        }
        (name, environment)
    };
    let environments = value["environments"].take();
    let environments = environments.as_array().cloned().unwrap_or_default();
    value["environments"] = Value::Object(environments.into_iter().map(by_name).collect());
    let approvals = value.as_object_mut().and_then(|all| all.remove("approvals"));
    if let Some(approvals) = approvals {
        value["matrix_approvals"] = approvals;
    }
    value
}

fn differing(
    steps: &[String],
    now: &Value,
    next: &Value,
    found: &mut BTreeMap<String, Vec<String>>,
) {
    let (Value::Object(old), Value::Object(new)) = (now, next) else {
        if now != next {
            let path = if steps.is_empty() { "everything".to_owned() } else { steps.join(".") };
            found.insert(path, steps.to_vec());
        }
        return;
    };
    for key in old.keys().chain(new.keys()) {
        let inner = [steps, std::slice::from_ref(key)].concat();
        match (old.get(key), new.get(key)) {
            (Some(old), Some(new)) => differing(&inner, old, new, found),
            _ => {
                found.insert(inner.join("."), inner);
            }
        }
    }
}

impl Common {
    /// The changed matrix that waits for people; none where none does or its time is over.
    pub fn proposal(&self, now: Timestamp) -> Option<&Proposal> {
        self.proposed.as_deref().filter(|proposal| now < proposal.deadline())
    }

    /// What follows when somebody who may wants `matrix` in force: it is, or it waits for people.
    pub fn apply_matrix(
        &self,
        matrix: Box<Matrix>,
        by: Person,
        signed: Option<Signed>,
        now: Timestamp,
    ) -> Event {
        let force = self.matrix.as_ref();
        let changes = changes(force, &matrix);
        if needed(force, &matrix).is_empty()
            && keys::open(force, &matrix, &by, signed.as_ref()).is_empty()
        {
            return Event::MatrixApplied { matrix, by, changes, approved: Vec::new(), signed };
        }
        let plan = plan(force, &matrix);
        let (since, words, reminded_at) = (now, Vec::new(), None);
        let proposal = Proposal { matrix, plan, changes, by, since, words, signed, reminded_at };
        Event::MatrixProposed(Box::new(proposal))
    }

    /// The roles of which too few people are left who could agree to `matrix`, should `by` propose it: roles
    /// are those of the matrix in force.
    pub fn nobody_could_agree(&self, matrix: &Matrix, by: &Person, now: Timestamp) -> Vec<Name> {
        let Event::MatrixProposed(proposal) =
            self.apply_matrix(Box::new(matrix.clone()), by.clone(), None, now)
        else {
            return Vec::new();
        };
        let needed = needed(self.matrix.as_ref(), matrix);
        let people = self.matrix.iter().flat_map(|matrix| matrix.people.keys());
        let counts = |person: &&Person| self.whether_counts(&proposal, &needed, person).is_ok();
        let people: Vec<Person> = people.filter(counts).cloned().collect();
        let asked = filled(&needed, &people, |person| self.roles_of(person));
        asked.into_iter().filter(|one| one.missing() > 0).map(|one| one.role).collect()
    }

    /// Whether this very change waits already.
    pub fn waits_for_agreement(&self, matrix: &Matrix, now: Timestamp) -> bool {
        self.proposal(now).is_some_and(|it| it.plan == plan(self.matrix.as_ref(), matrix))
    }

    /// The roles that must agree to what was proposed, each with those who did.
    pub fn asked_about_matrix(&self, proposal: &Proposal) -> Vec<Asked> {
        let needed = needed(self.matrix.as_ref(), &proposal.matrix);
        let counts = |word: &&Word| self.whether_counts(proposal, &needed, &word.by).is_ok();
        let people: Vec<Person> =
            proposal.words.iter().filter(counts).map(|word| word.by.clone()).collect();
        filled(&needed, &people, |person| self.roles_of(person))
    }

    /// Those who could still agree as `role`, in the order of their names.
    pub fn who_could_agree(&self, proposal: &Proposal, role: &Name) -> Vec<Person> {
        let needed = needed(self.matrix.as_ref(), &proposal.matrix);
        let people = self.matrix.iter().flat_map(|matrix| matrix.people.keys());
        let could = people.filter(|person| {
            self.roles_of(person).contains(role)
                && proposal.words.iter().all(|word| word.by != **person)
                && self.whether_counts(proposal, &needed, person).is_ok()
        });
        could.cloned().collect()
    }

    /// What follows from a person's word about what was proposed: the word, and what was proposed is in
    /// force where that was the last one.
    ///
    /// # Errors
    /// Nothing was proposed, or something else; or the word does not count.
    pub fn word_about_matrix(
        &self,
        word: &MatrixWord,
        now: Timestamp,
    ) -> Result<Vec<Event>, Box<Refusal>> {
        let said = if word.agrees { "nothing was approved" } else { "nothing was rejected" };
        let refused = |kind, code, cause: String| {
            let refusal = Refusal::new(kind, code, said, cause).at("towpath.yaml");
            Box::new(refusal.next("towpath waiting", "what waits, and for whom"))
        };
        let Some(proposal) = self.proposal(now) else {
            let cause = "no change of the matrix waits for anybody".to_owned();
            return Err(refused(RefusalKind::NotFound, "nothing-waits", cause));
        };
        if !is_named(&proposal.plan, &word.plan) {
            let cause =
                format!("what waits is the change {}, by {}", proposal.plan.short(), proposal.by);
            return Err(refused(RefusalKind::Conflict, "stale-plan", cause));
        }
        let says = if word.agrees { Says::ApproveMatrix } else { Says::RejectMatrix };
        let spoken = Spoken {
            plan: Some(&proposal.plan),
            note: word.note.as_deref(),
            after: Some(proposal.since),
            taken: Some(&self.taken),
            ..Spoken::new(&word.by, says)
        };
        spoken.heard(self.matrix.as_ref(), word.signed.as_ref(), now)?;
        let needed = needed(self.matrix.as_ref(), &proposal.matrix);
        // Whoever proposed it takes it back with a no; a no of others is worth what their yes is.
        let takes_back = !word.agrees && word.by == proposal.by;
        if !takes_back && let Err(why) = self.whether_counts(proposal, &needed, &word.by) {
            let cause = format!("{} {why}", word.by);
            return Err(refused(RefusalKind::NotAllowed, "does-not-count", cause));
        }
        let mut events = vec![Event::MatrixWordGiven(Box::new(word.clone()))];
        let mut after = self.clone();
        after.governed(&events[0], now);
        if let Some(proposal) = after.proposal(now) {
            let approved = after.asked_about_matrix(proposal);
            let keys = after.keys_asked(proposal);
            if approved.iter().all(|one| one.missing() == 0) && keys.iter().all(|key| key.given) {
                let (matrix, by) = (proposal.matrix.clone(), proposal.by.clone());
                let changes = proposal.changes.clone();
                // The signed order stands where it was proposed.
                let signed = None;
                events.push(Event::MatrixApplied { matrix, by, changes, approved, signed });
            }
        }
        Ok(events)
    }

    /// What waits after `event`.
    pub(crate) fn governed(&mut self, event: &Event, at: Timestamp) {
        match event {
            Event::MatrixProposed(proposal) => self.proposed = Some(proposal.clone()),
            Event::MatrixApplied { .. } | Event::MatrixLapsed(_) => self.proposed = None,
            Event::MatrixReminded(_) => {
                if let Some(proposal) = &mut self.proposed {
                    proposal.reminded_at = Some(at);
                }
            }
            Event::MatrixWordGiven(word) if !word.agrees => self.proposed = None,
            Event::MatrixWordGiven(word) => {
                if let Some(proposal) = &mut self.proposed {
                    proposal.words.retain(|known| known.by != word.by);
                    let plan = proposal.plan.clone();
                    proposal.words.push(Word { by: word.by.clone(), plan, at });
                }
            }
            _ => {}
        }
    }

    /// The roles of a person that count everywhere, by the matrix in force: none for a program.
    fn roles_of(&self, person: &Person) -> BTreeSet<&Name> {
        let known = self.matrix.as_ref().and_then(|matrix| matrix.people.get(person));
        known.filter(|known| !known.bot).map(|known| known.roles_at(None)).unwrap_or_default()
    }

    /// Whether the yes of `person` counts, or why it does not; a part of a sentence that follows the name.
    fn whether_counts(
        &self,
        proposal: &Proposal,
        needed: &[Need],
        person: &Person,
    ) -> Result<(), String> {
        let Some(matrix) = &self.matrix else { return Ok(()) };
        if *person == proposal.by || matrix.is_meant_by(person, &proposal.by) {
            return Err("proposed the change, and wants the word of others".to_owned());
        }
        let roles = self.roles_of(person);
        let may = match matrix.right(Verb::Approve, None) {
            Right::Roles(allowed) => roles.iter().any(|role| allowed.contains(*role)),
            Right::Everybody => true,
            Right::Nobody => false,
        };
        let has_role = needed.iter().any(|one| roles.contains(&one.role));
        if may && (has_role || self.speaks_for_a_key(proposal, person)) {
            return Ok(());
        }
        if needed.is_empty() {
            return Err("has no key, and it is about keys".to_owned());
        }
        let wanted: Vec<_> = needed.iter().map(|one| one.role.as_str()).collect();
        Err(format!("has none of the roles that must agree: {}", wanted.join(", ")))
    }
}

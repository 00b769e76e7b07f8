//! Changes of the matrix that take a person's key out: whose word they need. Verifies no signature.
//!
//! Whoever could take somebody's key out alone could speak as them, or without them.

use crate::governing::Proposal;
use crate::ids::Person;
use crate::matrix::Matrix;
use crate::project::Common;
use crate::reason::{Refusal, RefusalKind};
use crate::speaking::{Says, Signed, Spoken};
use crate::units::Timestamp;

/// A key that a changed matrix takes out, and whose word lets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyAsked {
    /// Whose key it is.
    pub owner: Person,
    /// Whether the owner, or somebody else who has a key, agreed.
    pub given: bool,
    /// Who agreed.
    pub by: Vec<Person>,
    /// Who could, in the order of their names.
    pub could: Vec<Person>,
}

impl KeyAsked {
    /// How the word is called that lets the key be taken out.
    pub fn word(&self) -> String {
        word_for_key(&self.owner)
    }
}

/// How the word is called that lets the key of `owner` be taken out.
pub fn word_for_key(owner: &Person) -> String {
    format!("key of {owner}")
}

/// The people who have a key in `now` and not the same one in `next`, or are not in it any more.
pub fn taken_out(now: Option<&Matrix>, next: &Matrix) -> Vec<Person> {
    let people = now.iter().flat_map(|now| &now.people);
    let keyed = people.filter_map(|(person, spec)| Some((person, spec.key.as_ref()?)));
    let stays = |person: &Person, key: &String| {
        next.people.get(person).is_some_and(|spec| spec.key.as_ref() == Some(key))
    };
    keyed.filter(|(person, key)| !stays(person, key)).map(|(person, _)| person.clone()).collect()
}

/// Those of them who have not said so themselves by signing the order of `by`.
pub(super) fn open(
    now: Option<&Matrix>,
    next: &Matrix,
    by: &Person,
    signed: Option<&Signed>,
) -> Vec<Person> {
    let mut taken = taken_out(now, next);
    taken.retain(|owner| signed.is_none() || owner != by);
    taken
}

fn has_key(matrix: &Matrix, person: &Person) -> bool {
    matrix.people.get(person).is_some_and(|spec| spec.key.is_some() && !spec.bot)
}

impl Common {
    /// Whether the order of `by` to bring `matrix` into force may be taken for theirs: signed where they have
    /// a key. Who lost theirs may ask without it for another one, or for none, because somebody else who
    /// has a key must agree to that.
    ///
    /// # Errors
    /// The refusal; see [`Spoken::heard`].
    pub fn hears_matrix(
        &self,
        matrix: &Matrix,
        by: &Person,
        signed: Option<&Signed>,
        now: Timestamp,
    ) -> Result<(), Box<Refusal>> {
        if signed.is_none() && taken_out(self.matrix.as_ref(), matrix).contains(by) {
            return Ok(());
        }
        let digest = matrix.digest();
        let spoken = Spoken {
            matrix: Some(&digest),
            taken: Some(&self.taken),
            ..Spoken::new(by, Says::ApplyMatrix)
        };
        spoken.heard(self.matrix.as_ref(), signed, now)
    }

    /// The keys that what was proposed takes out without their owners' having signed it, each with who
    /// agreed and who could.
    pub fn keys_asked(&self, proposal: &Proposal) -> Vec<KeyAsked> {
        let Some(force) = &self.matrix else { return Vec::new() };
        let open = open(Some(force), &proposal.matrix, &proposal.by, proposal.signed.as_ref());
        let needed = super::needed(Some(force), &proposal.matrix);
        let counts = |person: &&Person| {
            has_key(force, person) && self.whether_counts(proposal, &needed, person).is_ok()
        };
        let said: Vec<Person> =
            proposal.words.iter().map(|word| &word.by).filter(counts).cloned().collect();
        let others = force.people.keys().filter(|person| !said.contains(*person));
        let could: Vec<Person> = others.filter(counts).cloned().collect();
        let asked = |owner| KeyAsked {
            owner,
            given: !said.is_empty(),
            by: said.clone(),
            could: could.clone(),
        };
        open.into_iter().map(asked).collect()
    }

    /// Whether the word of `person` is one by a key, about a change that takes a key out.
    pub(super) fn speaks_for_a_key(&self, proposal: &Proposal, person: &Person) -> bool {
        let Some(force) = &self.matrix else { return false };
        has_key(force, person)
            && !open(Some(force), &proposal.matrix, &proposal.by, proposal.signed.as_ref())
                .is_empty()
    }

    /// Whether everybody who could let a key be taken out is left who proposes it, or has none.
    ///
    /// # Errors
    /// The refusal, with what is left to do.
    pub fn somebody_has_a_key(&self, proposal: &Proposal) -> Result<(), Box<Refusal>> {
        let asked = self.keys_asked(proposal);
        let Some(alone) = asked.iter().find(|key| !key.given && key.could.is_empty()) else {
            return Ok(());
        };
        let owner = &alone.owner;
        let cause = format!(
            "it takes the key of {owner} out, which {owner} signs, or agrees to, or somebody else \
             who has a key and may approve; and nobody of these is left beside {}",
            proposal.by
        );
        let message = "the matrix was neither applied nor proposed";
        let refusal = Refusal::new(RefusalKind::NotAllowed, "key-taken-out", message, cause);
        Err(Box::new(
            refusal
                .at(format!("people.{owner}.key"))
                .next("towpath matrix apply --key FILE", format!("by {owner}, with that very key"))
                .next(
                    "people: { SOMEBODY: { key: ssh-ed25519 AAAA… } }",
                    "in a change of its own before this one: somebody who can agree",
                ),
        ))
    }
}

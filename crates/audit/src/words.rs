//! Whether the words that people with keys said stand in a journal as they signed them: by the key that the matrix
//! in force named at that place, about what the event tells, once. Believes no event; reads no file, so that
//! of a key which stands in one only the signature is looked at.

use std::collections::BTreeSet;

use serde::Serialize;
use towpath_core::governing::{Proposal, taken_out};
use towpath_core::ids::{Digest, LaneId, Name, Person};
use towpath_core::journal::Event;
use towpath_core::matrix::Matrix;
use towpath_core::people::PersonSpec;
use towpath_core::speaking::{RULE, Signed, Statement, key_of_line};
use towpath_core::units::{Span, Timestamp};
use towpath_ports::store::WrittenEvent;

use self::telling::{Beside, told};
use crate::spoken;

mod telling;

/// How much later than it was decided about an event may be written: decisions are written at once.
const WRITTEN_WITHIN: Span = Span::minutes(1);

/// How many signed words were looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counted {
    /// Signed by the key that the matrix in force named, about what the event tells.
    pub right: u64,
    /// Not signed by people who have a key, under programs that did not ask for it then.
    pub unasked: u64,
    /// Rightly signed by some key; whose it is stands neither in these events nor in the matrix itself.
    pub unproven: u64,
}

/// A walk through the events of a journal, in their order.
#[derive(Debug, Default)]
pub struct Words {
    /// Whose journal it is, and how many times faster durations run there.
    project: String,
    speed: u32,
    /// Its name, where its first event was seen.
    journal: Option<String>,
    /// The matrix in force; none: it is not known.
    force: Option<Box<Matrix>>,
    /// Whether one is in force at all, as far as is known.
    begun: bool,
    /// Whether an event was seen.
    walking: bool,
    /// Whether the program asks for every word signed by now. Once it does it always does.
    asks: bool,
    /// What waits for people.
    proposed: Option<Box<Proposal>>,
    /// Who agreed to what waits by a key, as far as that is proven.
    agreed: BTreeSet<Person>,
    /// Words that were said, by the digests of their texts.
    said: BTreeSet<Digest>,
    /// How many were looked at.
    pub counted: Counted,
}

impl Words {
    /// At the beginning of a journal, or of a part of one.
    pub fn of(project: &str, speed: u32) -> Self {
        Self { project: project.to_owned(), speed, ..Self::default() }
    }

    /// Takes the next event in; answers what is not so of the word that it tells of, one sentence.
    pub fn take(&mut self, event: &WrittenEvent) -> Option<String> {
        if event.seq == 1 {
            self.begun = true;
            let first = Digest::new(&event.hash).ok();
            self.journal = first.map(|first| crate::origin(&self.project, self.speed, &first));
        }
        // Of what stands before a part nothing is known, so that no part gets around a signature.
        self.asks |= !self.walking && event.seq != 1;
        self.walking = true;
        // What cannot be read is none of our words, and its own finding elsewhere.
        let Ok(body) = serde_json::from_str::<Event>(&event.body) else {
            return self.unreadable(event);
        };
        self.asks |= shows_the_rule(&body);
        let wrong = self.looked(event, &body);
        if let Event::MatrixWordGiven(word) = &body
            && word.agrees
            && word.signed.is_some()
            && wrong.is_none()
        {
            self.agreed.insert(word.by.clone());
        }
        let wrong = wrong.or_else(|| self.key_taken(&body));
        self.fold(body);
        wrong.map(|why| format!("event {}: {why}", event.seq))
    }

    /// The content of an event was withheld.
    pub fn withheld(&mut self, kind: &str) {
        if kind == "matrix-applied" {
            (self.force, self.begun, self.proposed) = (None, false, None);
        }
        // What is not shown may have said that words are asked for.
        if kind == "engine-started" {
            self.asks = true;
        }
    }

    fn unreadable(&mut self, event: &WrittenEvent) -> Option<String> {
        self.withheld(&event.kind);
        let is_word = event.body.contains("\"signed\"");
        is_word
            .then(|| format!("event {}: it tells of a signed word, and cannot be read", event.seq))
    }

    fn fold(&mut self, event: Event) {
        match event {
            Event::MatrixApplied { matrix, .. } => {
                (self.force, self.begun, self.proposed) = (Some(matrix), true, None);
                self.agreed.clear();
            }
            Event::MatrixProposed(proposal) => {
                self.proposed = Some(proposal);
                self.agreed.clear();
            }
            Event::MatrixWordGiven(word) if !word.agrees => self.proposed = None,
            Event::MatrixLapsed(_) => self.proposed = None,
            _ => {}
        }
    }

    fn looked(&mut self, event: &WrittenEvent, body: &Event) -> Option<String> {
        let lane = event.lane.clone().and_then(|lane| LaneId::try_from(lane).ok());
        let statement = body.signed().and_then(|signed| Statement::read(&signed.statement));
        let beside = Beside::of(body, lane, statement.as_ref(), self.proposed.as_deref());
        let told = told(body, &beside)?;
        let by = told.spoken.by.clone();
        let Some(signed) = told.signed else {
            let has_key = self.person(&by).is_some_and(|known| known.key.is_some());
            let missing = has_key && !self.was_proposed(body) && !self.gives_up(body, &by);
            if missing && !self.asks && !told.spoken.says.was_ever_signed() {
                self.counted.unasked += 1;
                return None;
            }
            return missing.then(|| format!("{by} has a key, and this word of {by} is not signed"));
        };
        let actor = event.actor.strip_prefix(by.as_str());
        // Behind a name may stand the token.
        if !actor.is_some_and(|rest| rest.is_empty() || rest.starts_with(" (token ")) {
            return Some(format!("the word of {by} stands there as {}'s", event.actor));
        }
        let Some(statement) = statement else {
            return Some("what was signed is no statement of Towpath".to_owned());
        };
        let at = Timestamp(event.at);
        if let Some(cause) = told.spoken.is_not(&statement, at)
            && told.spoken.is_not(&statement, at.minus(WRITTEN_WITHIN)).is_some()
        {
            return Some(cause);
        }
        self.is_here(&statement).or_else(|| self.proven(&by, signed))
    }

    /// Whether a statement belongs to this journal, and was not said before.
    fn is_here(&mut self, statement: &Statement) -> Option<String> {
        let project = Name::new(&self.project).map(|name| Statement::project(&name, self.speed));
        if project.as_ref() != Ok(&statement.project) {
            return Some(format!("these words were signed for `{}`", statement.project));
        }
        // Older programs named no journal, and took the same words again.
        let named = statement.journal.as_ref()?;
        if self.journal.as_ref().is_some_and(|own| own != named) {
            return Some(format!("these words were signed for the journal {named}"));
        }
        let again = !self.said.insert(Digest::of(statement.text().as_bytes()));
        again.then(|| "these very words stand in it before, and count once".to_owned())
    }

    fn proven(&mut self, by: &Person, signed: &Signed) -> Option<String> {
        if self.force.is_none() && !self.begun {
            return self.by_itself(signed);
        }
        let key = self.person(by).and_then(|known| known.key.clone());
        match key {
            None => Some(format!("the matrix in force named no key of {by}")),
            Some(line) if key_of_line(&line).is_some() => {
                let wrong = spoken::verify(&line, signed).err();
                self.counted.right += u64::from(wrong.is_none());
                wrong.map(|wrong| format!("the word of {by} is not proven: {wrong}"))
            }
            // It stands in a file that is not here.
            Some(_) => self.by_itself(signed),
        }
    }

    fn by_itself(&mut self, signed: &Signed) -> Option<String> {
        let wrong = spoken::verify_itself(signed).err();
        self.counted.unproven += u64::from(wrong.is_none());
        wrong.map(|wrong| format!("a word is not proven: {wrong}"))
    }

    fn person(&self, by: &Person) -> Option<&PersonSpec> {
        self.force.as_ref().and_then(|force| force.people.get(by))
    }

    /// Whether an event takes out a key for which neither its owner nor anybody else who has one signed.
    fn key_taken(&self, event: &Event) -> Option<String> {
        let Event::MatrixApplied { matrix, by, signed, .. } = event else { return None };
        if !self.asks {
            return None;
        }
        let proposed = self.proposed.as_ref().filter(|it| it.matrix == *matrix && it.by == *by);
        let has_signed = signed.is_some() || proposed.is_some_and(|it| it.signed.is_some());
        let others = proposed.is_some() && self.agreed.iter().any(|who| who != by);
        let taken = taken_out(self.force.as_deref(), matrix);
        let alone = taken.into_iter().find(|owner| {
            let own =
                (owner == by && has_signed) || (proposed.is_some() && self.agreed.contains(owner));
            !own && !others
        })?;
        Some(format!(
            "it takes the key of {alone} out, and neither {alone} nor anybody else who has a key signed that"
        ))
    }

    /// Whether it is the end of what was proposed: the signed order stands there.
    fn was_proposed(&self, event: &Event) -> bool {
        let Event::MatrixApplied { matrix, by, .. } = event else { return false };
        self.proposed.as_ref().is_some_and(|it| it.matrix == *matrix && it.by == *by)
    }

    /// Whether somebody asks for their own key to be taken out, which others agree to.
    fn gives_up(&self, event: &Event, by: &Person) -> bool {
        let Event::MatrixProposed(proposal) = event else { return false };
        taken_out(self.force.as_deref(), &proposal.matrix).contains(by)
    }
}

/// Whether an event shows that the program by then asked for every word signed: an engine says so, or there is
/// a word that no earlier program took.
fn shows_the_rule(event: &Event) -> bool {
    if let Event::EngineStarted(started) = event {
        return started.words >= RULE;
    }
    let statement = event.signed().and_then(|signed| Statement::read(&signed.statement));
    statement.is_some_and(|one| one.journal.is_some() || !one.says.was_ever_signed())
}

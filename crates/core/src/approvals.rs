//! Who must agree to a plan, who has, and whom that leaves. Counts words; takes none and signs none.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::code_owners::{self, AskedOwners, OwnedFiles, Owners};
use crate::ids::{Digest, Name, Person};
use crate::matrix::{Environment, Matrix};
use crate::people::{Right, Verb};
use crate::release::{ChangeType, Release};
use crate::speaking::Signed;
use crate::units::{Span, Timestamp};

/// How many people of one role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Need {
    /// The role.
    pub role: Name,
    /// How many people of it, all of them different from those of other roles.
    pub people: u32,
}

/// How long a yes holds where the matrix does not say it (prototype/towpath.yaml).
pub const DEFAULT_EXPIRY: Span = Span::hours(72);
/// Most words that a lane remembers; beyond them the oldest go.
pub const MOST_KEPT: usize = 200;

/// Who must agree before a release may enter a lane (seed 004, approval matrix).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalRules {
    /// For every type of change, beside what its own says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub all: Option<Vec<Need>>,
    /// By type of change. A type that is not here is not allowed in, unless `all` is said.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub by_type: BTreeMap<ChangeType, Vec<Need>>,
    /// How long a yes holds.
    pub expires: Span,
    /// How often those who could agree are told again; none: as often as any that waits for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remind_every: Option<Span>,
    /// Whether who made the release, or ordered its promotion, may agree to it.
    pub author_may_approve: bool,
    /// Whether the owners of the files that change must agree as well.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub code_owners: bool,
    /// The file that names them, from the top of the repository; none: one of the places that GitHub looks
    /// in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owners_file: Option<String>,
    /// Who must agree before the glass is broken; empty: nobody, and a review is owed instead.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub break_glass: Vec<Need>,
}

impl ApprovalRules {
    /// What is left of them when the glass is broken: a second person's word, where it is asked for. It is
    /// never that of whoever breaks it, or whose work it is.
    #[must_use]
    pub fn with_broken_glass(self) -> Option<Self> {
        if self.break_glass.is_empty() {
            return None;
        }
        Some(Self {
            all: Some(self.break_glass),
            by_type: BTreeMap::new(),
            break_glass: Vec::new(),
            code_owners: false,
            owners_file: None,
            author_may_approve: false,
            expires: self.expires,
            remind_every: self.remind_every,
        })
    }

    /// How many people of each role must agree to such a change; none where nothing is said of it, and
    /// then it may not enter. Where both `all` and the type ask for a role, the larger number counts:
    /// one yes answers both. In the order of the file, the type's own first.
    pub fn needed(&self, change_type: ChangeType) -> Option<Vec<Need>> {
        let of_type = self.by_type.get(&change_type);
        if self.all.is_none() && of_type.is_none() {
            return None;
        }
        let mut needed: Vec<Need> = Vec::new();
        for one in of_type.into_iter().chain(&self.all).flatten() {
            match needed.iter_mut().find(|known| known.role == one.role) {
                Some(known) => known.people = known.people.max(one.people),
                None => needed.push(one.clone()),
            }
        }
        Some(needed)
    }
}

/// A person's yes or no to a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Who.
    pub by: Person,
    /// To which plan.
    pub plan: Digest,
    /// Yes or no.
    pub agrees: bool,
    /// What they add; why, of a no.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Where the evidence is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// The words as they were signed, of whoever has a key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed: Option<Signed>,
}

/// A person's word as a lane remembers it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Word {
    /// Who.
    pub by: Person,
    /// To which plan.
    pub plan: Digest,
    /// When.
    pub at: Timestamp,
}

/// One role that must agree, or the owners of some files, and who did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// The role; where owners are asked, [`code_owners::ROLE`].
    pub role: Name,
    /// How many people of it.
    pub needed: u32,
    /// Those whose yes counts for it.
    pub by: Vec<Person>,
    /// Whose files they are, where owners are asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owners: Option<AskedOwners>,
}

impl Asked {
    /// How many are missing.
    pub fn missing(&self) -> u32 {
        let have = u32::try_from(self.by.len()).unwrap_or(u32::MAX);
        self.needed.saturating_sub(have)
    }

    /// Who is asked, in words: the name of the role, or whose files they are.
    pub fn whom(&self) -> String {
        match &self.owners {
            None => self.role.to_string(),
            Some(AskedOwners::Of(files)) => files.to_string(),
            Some(AskedOwners::Unknown(_)) => "owners of what it changes".to_owned(),
        }
    }

    /// Why nobody knows whose word it is; none where that is known.
    pub fn unknown(&self) -> Option<&str> {
        match &self.owners {
            Some(AskedOwners::Unknown(why)) => Some(why),
            _ => None,
        }
    }
}

/// What is asked of people about one plan: the rules, and everything on which whose word counts depends.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Who we are, as it is now.
    pub matrix: &'a Matrix,
    /// Where the release shall enter.
    pub environment: &'a Environment,
    /// The rules under which it was planned.
    pub rules: &'a ApprovalRules,
    /// What shall enter.
    pub release: &'a Release,
    /// As which type of change.
    pub change_type: ChangeType,
    /// Who ordered it; none as long as nobody has.
    pub ordered_by: Option<&'a Person>,
    /// Who made the token by which they did.
    pub behind: &'a [Person],
    /// Who declared the settings that it changes, alone or with a release.
    pub declared_by: Option<&'a BTreeSet<Person>>,
    /// What is asked of the owners of what it changes.
    pub owners: Owners<'a>,
}

impl Question<'_> {
    /// The roles that must agree, each with those who did. Nobody counts for two roles: two words are
    /// two people. As many roles as can be are filled by the words that there are.
    pub fn asked(&self, plan: &Digest, words: &[Word], now: Timestamp) -> Vec<Asked> {
        let needed = self.rules.needed(self.change_type).unwrap_or_default();
        let agreed = self.who_agreed(plan, words, now);
        let mut asked = filled(&needed, &agreed, |person| self.roles(person));
        asked.extend(self.asked_owners(&agreed));
        asked
    }

    /// The owners who must agree, each with those who did. As on GitHub, the word of an owner counts for
    /// every file that is theirs, and for their role as well.
    fn asked_owners(&self, agreed: &[Person]) -> Vec<Asked> {
        let role = Name::new(code_owners::ROLE).expect("it is written as a name");
        let one = |owners: AskedOwners, by: Vec<Person>| Asked {
            role: role.clone(),
            needed: 1,
            by,
            owners: Some(owners),
        };
        match self.owners {
            Owners::NotAsked => Vec::new(),
            Owners::Unknown(why) => vec![one(AskedOwners::Unknown(why.to_owned()), Vec::new())],
            Owners::Of(files) => {
                let by = |files: &OwnedFiles| {
                    agreed.iter().filter(|person| self.owns(person, files)).cloned().collect()
                };
                files.iter().map(|files| one(AskedOwners::Of(files.clone()), by(files))).collect()
            }
        }
    }

    fn owns(&self, person: &Person, files: &OwnedFiles) -> bool {
        self.matrix.owns(person, files, &self.environment.name)
    }

    fn owns_something(&self, person: &Person) -> bool {
        match self.owners {
            Owners::Of(files) => files.iter().any(|files| self.owns(person, files)),
            Owners::NotAsked | Owners::Unknown(_) => false,
        }
    }

    /// Everybody whose yes to this plan still counts, in the order in which they first said it.
    fn who_agreed(&self, plan: &Digest, words: &[Word], now: Timestamp) -> Vec<Person> {
        let mut people: Vec<Person> = Vec::new();
        for word in words.iter().filter(|word| word.plan == *plan) {
            let holds = now.since(word.at) < self.rules.expires;
            if holds && !people.contains(&word.by) && self.whether_counts(&word.by).is_ok() {
                people.push(word.by.clone());
            }
        }
        people
    }

    /// Whether the yes of `person` counts for anything here, or why it does not.
    ///
    /// # Errors
    /// A part of a sentence that follows the person's name.
    pub fn whether_counts(&self, person: &Person) -> Result<(), String> {
        let version = &self.release.version;
        let place = &self.environment.name;
        if !self.rules.author_may_approve {
            let means = |who: &Person| self.matrix.is_meant_by(person, who);
            if self.declared_by.into_iter().flatten().any(means) {
                return Err(format!(
                    "declared these settings, and {place} wants the word of others"
                ));
            }
            // Whoever creates a release also says who its author is.
            if self.release.makers().any(means) {
                return Err(format!("made {version}, and {place} wants the word of others"));
            }
            if self.ordered_by.into_iter().chain(self.behind).any(means) {
                return Err(format!(
                    "ordered the promotion of {version}, and {place} wants the word of others"
                ));
            }
        }
        let needed = self.rules.needed(self.change_type).unwrap_or_default();
        let roles = self.roles(person);
        let has_role = needed.iter().any(|one| roles.contains(&one.role));
        if (has_role || self.owns_something(person)) && self.may(person) {
            return Ok(());
        }
        if let Owners::Unknown(why) = self.owners {
            return Err(format!(
                "has none of the roles that must agree in {place}, and who owns what {version} changes is \
                 not known: {why}"
            ));
        }
        let roles: Vec<_> = needed.iter().map(|one| one.role.as_str()).collect();
        let also =
            if matches!(self.owners, Owners::Of(_)) { ", and owns none of its files" } else { "" };
        Err(format!("has none of the roles that must agree in {place}: {}{also}", roles.join(", ")))
    }

    /// Those who could still agree as is `asked`, in the order of their names.
    pub fn who_could(
        &self,
        asked: &Asked,
        plan: &Digest,
        words: &[Word],
        now: Timestamp,
    ) -> Vec<Person> {
        let agreed = self.who_agreed(plan, words, now);
        let people = self.matrix.people.keys();
        let is_asked = |person: &Person| match &asked.owners {
            None => self.roles(person).contains(&asked.role),
            Some(AskedOwners::Of(files)) => self.owns(person, files),
            Some(AskedOwners::Unknown(_)) => false,
        };
        let could = people.filter(|person| {
            is_asked(person) && !agreed.contains(person) && self.whether_counts(person).is_ok()
        });
        could.cloned().collect()
    }

    fn roles(&self, person: &Person) -> BTreeSet<&Name> {
        self.matrix.word_of(person, &self.environment.name).unwrap_or_default()
    }

    /// Whether the right to agree is the person's now: one that was taken away binds at once.
    fn may(&self, person: &Person) -> bool {
        match self.matrix.right(Verb::Approve, Some(&self.environment.name)) {
            Right::Roles(allowed) => self.roles(person).iter().any(|role| allowed.contains(*role)),
            Right::Everybody => true,
            Right::Nobody => false,
        }
    }
}

/// The roles that must agree, each with those of `people` who do, in their order. Nobody counts for two
/// roles, and as many places as can be are filled.
pub(crate) fn filled<'a>(
    needed: &[Need],
    people: &[Person],
    roles: impl Fn(&Person) -> BTreeSet<&'a Name>,
) -> Vec<Asked> {
    let each = |one: &'_ Need| (0..one.people).map(|_| one.role.clone()).collect::<Vec<_>>();
    let places: Vec<Name> = needed.iter().flat_map(each).collect();
    let mut taken: Vec<Option<usize>> = vec![None; places.len()];
    let roles: Vec<_> = people.iter().map(roles).collect();
    for person in 0..people.len() {
        seat(person, &roles, &places, &mut taken, &mut BTreeSet::new());
    }
    let by = |role: &Name| {
        let seats = places.iter().zip(&taken).filter(|(place, _)| *place == role);
        let mut here: Vec<usize> = seats.filter_map(|(_, person)| *person).collect();
        // In the order in which they said it, wherever they were moved to.
        here.sort_unstable();
        here.into_iter().map(|person| people[person].clone()).collect()
    };
    needed
        .iter()
        .map(|one| Asked {
            role: one.role.clone(),
            needed: one.people,
            by: by(&one.role),
            owners: None,
        })
        .collect()
}

/// Gives `person` a place, moving others on to places that they fit as well (the augmenting paths of
/// bipartite matching, Kuhn 1955). Whoever had a place keeps one.
fn seat(
    person: usize,
    roles: &[BTreeSet<&Name>],
    places: &[Name],
    taken: &mut [Option<usize>],
    seen: &mut BTreeSet<usize>,
) -> bool {
    for (place, role) in places.iter().enumerate() {
        if !roles[person].contains(role) || !seen.insert(place) {
            continue;
        }
        let is_free = match taken[place] {
            None => true,
            Some(other) => seat(other, roles, places, taken, seen),
        };
        if is_free {
            taken[place] = Some(person);
            return true;
        }
    }
    false
}

//! Check `attested`: a person gave their word. Owns whose word counts; does not know who has which
//! role.
//!
//! Where the matrix names no people, nobody vouches for roles. Then it counts `by` among what is not
//! enforced, and nothing enters the lane until a person accepts that by name; any person's word counts
//! here, and the answer says that the role is not checked.

use std::sync::Arc;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::Value;
use towpath_core::check::CheckAnswer;
use towpath_core::ids::Name;
use towpath_core::units::Span;
use towpath_ports::check::{Attestation, Check, CheckRequest};
use towpath_ports::settings::Problem;
use towpath_ports::{Family, Field, FieldType, Kind, KindEntry, KindState};

use crate::printable::escaped;

/// How often to look without being told; an attestation itself makes the gate ask at once.
const ASK_AGAIN_AFTER: Span = Span::hours(1);

pub(super) const KIND: Kind<dyn Check> = Kind {
    entry: KindEntry {
        family: Family::Check,
        name: "attested",
        summary: "A person says that something is done.",
        example: "{ check: attested, name: User acceptance testing complete, by: [qa] }",
        state: KindState::Built,
        capabilities: &["people"],
        fields: &[Field {
            name: "by",
            of: FieldType::Roles,
            default: None,
            doc: "Roles, one of which whoever attests must have. Without `people` in the matrix nobody's \
                  roles are known: promotions are refused until `NAME.by` is accepted by name.",
        }],
        validate,
    },
    build: Some(|settings, _site| Ok(Arc::new(Attested::new(settings)?))),
};

fn validate(settings: &Value) -> Vec<Problem> {
    let roles = settings.get("by").and_then(Value::as_array).into_iter().flatten();
    let mut problems = Vec::new();
    let mut count = 0;
    for (index, role) in roles.enumerate() {
        count += 1;
        if let Err(error) = Name::new(role.as_str().unwrap_or_default()) {
            let path = format!("by[{index}]");
            problems.push(Problem::new(&path, error.to_string(), "the name of a role"));
        }
    }
    if count == 0 {
        problems.push(Problem::new("by", "`by` names nobody", "at least one role"));
    }
    problems
}

#[derive(Debug, Deserialize)]
struct Attested {
    by: Vec<Name>,
    /// Whether only words count that were said since this promotion was ordered. No setting of the matrix:
    /// that somebody is there is asked so (`communication.available`).
    #[serde(default)]
    fresh: bool,
}

impl Attested {
    fn new(settings: &Value) -> Result<Self, String> {
        Self::deserialize(settings).map_err(|error| format!("check `attested`: {error}"))
    }

    fn counts(&self, attestation: &Attestation) -> bool {
        let roles = attestation.roles.as_ref();
        roles.is_none_or(|roles| roles.iter().any(|role| self.by.contains(role)))
    }

    fn waits(&self, request: &CheckRequest, seen: &[Attestation]) -> CheckAnswer {
        let roles: Vec<_> = self.by.iter().map(Name::as_str).collect();
        let roles = roles.join(" or ");
        let others = match seen.last() {
            Some(last) => format!("; {} attested it without that role", last.by),
            None => String::new(),
        };
        CheckAnswer::pending(
            request.now.plus(ASK_AGAIN_AFTER),
            format!(
                "waits for a person with the role {roles} to attest `{}` for {} (`towpath attest`){others}",
                request.title, request.release.version
            ),
        )
    }
}

#[async_trait]
impl Check for Attested {
    async fn ask(&self, request: &CheckRequest) -> CheckAnswer {
        let evidence = &request.evidence;
        let asked = evidence.attestations(&request.lane, &request.release, &request.title).await;
        let seen: Vec<_> = match asked {
            Ok(seen) => {
                seen.into_iter().filter(|it| !self.fresh || it.at >= request.ordered_at).collect()
            }
            Err(why) => {
                return CheckAnswer::inconclusive(format!("attestations cannot be read: {why}"));
            }
        };
        let Some(found) = seen.iter().rev().find(|attestation| self.counts(attestation)) else {
            return self.waits(request, &seen);
        };
        request.keeper.keep(
            format!("statement of {}", found.by),
            "application/json",
            found.statement.as_bytes(),
        );
        let mut roles = found.roles.iter().flatten();
        let role = match roles.find(|role| self.by.contains(role)) {
            Some(role) => format!(" ({role})"),
            None => "; the role is not checked".to_owned(),
        };
        let note = found.note.as_ref().map(|note| format!(": {}", escaped(note.as_bytes())));
        let note = note.unwrap_or_default();
        let answer = CheckAnswer::pass(format!("attested by {}{role}{note}", found.by));
        match &found.link {
            Some(link) => answer.with_output(escaped(link.as_bytes())),
            None => answer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::question::testing::{Evidence, NOW, check, problems, request, site};
    use serde_json::json;
    use towpath_core::check::CheckResult;
    use towpath_core::ids::Person;

    fn word(by: &str, roles: &[&str]) -> Attestation {
        Attestation {
            by: Person::new(by).unwrap(),
            roles: (!roles.is_empty())
                .then(|| roles.iter().map(|role| Name::new(role).unwrap()).collect()),
            at: NOW,
            note: Some("seen\nit".to_owned()),
            link: None,
            statement: format!("{by} attested"),
        }
    }

    async fn ask(attestations: Vec<Attestation>, is_down: bool) -> CheckAnswer {
        let evidence = Evidence { attestations, is_down, ..Evidence::default() };
        let site = site(std::path::Path::new("/"), 1);
        let check = check("attested", &json!({ "by": ["qa", "devops"] }), &site);
        check.ask(&request(&[], evidence)).await
    }

    #[tokio::test]
    async fn it_waits_until_somebody_with_the_role_attests() {
        let answer = ask(Vec::new(), false).await;
        assert_eq!(answer.result, CheckResult::Pending { ask_again_at: NOW.plus(Span::hours(1)) });
        assert!(answer.sentence.contains("qa or devops"), "{answer:?}");
        let answer = ask(vec![word("eve", &["developer"])], false).await;
        assert!(matches!(answer.result, CheckResult::Pending { .. }));
        assert!(answer.sentence.ends_with("eve attested it without that role"), "{answer:?}");
        let answer = ask(vec![word("eve", &["developer"]), word("ann", &["qa"])], false).await;
        assert_eq!(answer, CheckAnswer::pass("attested by ann (qa): seen\\nit"));
    }

    #[tokio::test]
    async fn that_somebody_is_there_is_said_after_the_order() {
        let check = Attested { by: vec![Name::new("qa").unwrap()], fresh: true };
        let ordered_at = request(&[], Evidence::default()).ordered_at;
        for (at, passes) in [(ordered_at.minus(Span(1)), false), (ordered_at, true), (NOW, true)] {
            let attestations = vec![Attestation { at, ..word("ann", &["qa"]) }];
            let evidence = Evidence { attestations, ..Evidence::default() };
            let answer = check.ask(&request(&[], evidence)).await;
            assert_eq!(answer.result == CheckResult::Pass, passes, "{at:?}: {answer:?}");
        }
    }

    #[tokio::test]
    async fn a_word_without_roles_counts_and_says_so() {
        let answer = ask(vec![word("ann", &[])], false).await;
        assert_eq!(
            answer,
            CheckAnswer::pass("attested by ann; the role is not checked: seen\\nit")
        );
    }

    #[tokio::test]
    async fn a_journal_that_cannot_be_read_is_never_a_pass() {
        let answer = ask(vec![word("ann", &["qa"])], true).await;
        assert_eq!(answer.result, CheckResult::Inconclusive);
    }

    #[test]
    fn nobody_and_what_is_no_role_are_refused_when_the_matrix_is_checked() {
        assert_eq!(problems("attested", &json!({ "by": [] })), ["by"]);
        assert_eq!(problems("attested", &json!({ "by": ["qa", "No role"] })), ["by[1]"]);
    }
}

//! Orders without something that the matrix demands, and journals of before programs asked for every word signed.

use serde_json::{Value, json};
use towpath_audit::words::Counted;
use towpath_core::journal::Event;
use towpath_core::speaking::{Signed, Statement};
use towpath_core::units::Span;

use crate::{
    BEGIN, BOB, CARL, found, found_after, golden, is_found, origin, origin_of, said, started,
    started_once, statement, thaw,
};

/// Bob's order of a promotion without something that the matrix demands, with what he signed.
fn accepting(signed: Option<&Signed>) -> Value {
    let mut body = golden("promotion-requested");
    (body["by"], body["overrides_window"]) = (json!("bob"), json!(false));
    body.as_object_mut().unwrap().shift_remove("signed");
    if let Some(signed) = signed {
        body["signed"] = json!(signed);
    }
    body
}

fn to_accept() -> Value {
    let Event::PromotionRequested(order) = serde_json::from_value(accepting(None)).unwrap() else {
        panic!("it is an order");
    };
    assert!(!order.plan.accepted.is_empty(), "something is accepted in it");
    json!({
        "towpath": 1, "project": "shop", "journal": origin(), "by": "bob", "says": "accept-unenforced",
        "service": "api", "environment": "prod", "release": order.plan.release.digest,
        "plan": order.plan.hash(), "note": order.reason, "at": Statement::moment(BEGIN),
        "until": Statement::moment(BEGIN.plus(Span::minutes(10))),
    })
}

#[test]
fn what_somebody_with_a_key_accepted_unsigned_is_untrue() {
    let lane = "api/prod";
    let good = said(BOB, &to_accept().to_string());
    let report = found(vec![(lane, "bob", accepting(Some(&good)))]);
    assert!(report.is_whole(), "{report:?}");
    assert_eq!(report.words.right, 1);
    assert!(is_found(vec![(lane, "bob", accepting(None))]), "not signed");
    assert!(
        is_found(vec![(lane, "bob", accepting(Some(&said(CARL, &good.statement))))]),
        "carl's key"
    );
    // Something else is accepted than was signed: it stands in the plan.
    let mut more = accepting(Some(&good));
    more["plan"]["accepted"] = json!(["environments.prod.approvals"]);
    assert!(is_found(vec![(lane, "bob", more)]), "another demand");
    // Without anything that is accepted it is an order by the rules, which nobody signs.
    let mut plain = accepting(None);
    plain["plan"]["accepted"] = json!([]);
    assert!(found(vec![(lane, "bob", plain)]).is_whole());
}

/// A program of before took these words unsigned, and said nothing of a rule when it started.
fn as_it_was() -> Vec<(&'static str, &'static str, Value)> {
    vec![("", "bob", thaw("bob", None)), ("api/prod", "bob", accepting(None))]
}

/// Bob's word at a gate, which was always signed.
fn approval(signed: bool) -> Value {
    let mut body = golden("approval-given");
    body["approval"]["by"] = json!("bob");
    if !signed {
        body["approval"].as_object_mut().unwrap().shift_remove("signed");
    }
    body
}

#[test]
fn a_journal_of_before_is_true_as_it_was_and_asks_for_signatures_from_the_program_on_that_does() {
    let once = |told| found_after(started_once(), told);
    let report = once(as_it_was());
    assert!(report.is_whole(), "{report:?}");
    assert_eq!(report.words, Counted { unasked: 2, ..Counted::default() });
    // Words at a gate were asked for ever since there are keys.
    let report = once(vec![("api/prod", "bob", approval(false))]);
    assert_eq!(report.findings.len(), 1, "{report:?}");
    // From the first program on that says so, and whatever a later one says or leaves out.
    for between in [vec![started()], vec![started(), started_once()]] {
        let count = as_it_was().len();
        let report = once([as_it_was(), between, as_it_was()].concat());
        assert_eq!(report.findings.len(), count, "{report:?}");
        assert_eq!(report.words.unasked, 2);
    }
}

#[test]
fn nobody_gets_out_of_signing_by_a_journal_that_looks_older() {
    // The first event is part of the journal's name, which every genuine word of it states.
    let good = || ("", "bob", thaw("bob", Some(&said(BOB, &statement().to_string()))));
    let report = found_after(started_once(), vec![good()]);
    assert_eq!(report.findings.len(), 1, "{report:?}");
    assert!(report.findings[0].sentence.contains("signed for the journal"), "{report:?}");
    // Whatever stands behind a word that no older program took is asked for signed.
    let mut own = statement();
    own["journal"] = json!(origin_of(started_once()));
    let own = said(BOB, &own.to_string());
    let report = found_after(
        started_once(),
        [vec![("", "bob", thaw("bob", Some(&own)))], as_it_was()].concat(),
    );
    assert_eq!(report.findings.len(), 2, "{report:?}");
}

//! One stored example of every event, so that a stored format cannot change unnoticed. The files in
//! `golden` are what this version writes; those in `golden/older` are what older versions wrote, and
//! must be read for ever. `TOWPATH_BLESS=1` writes the former anew.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![expect(clippy::disallowed_methods, reason = "golden files are read and written")]

mod audited;
mod declared;
mod kept;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use audited::{refused, secrets_read, session_changed};
use declared::{ada, lane_id, matrix, name, release, section};
use kept::{holdback, signed, verdict};
use towpath_core::approvals::{Approval, Asked, Word};
use towpath_core::check::CheckAnswer;
use towpath_core::debts::{Debt, DebtKind, Settled};
use towpath_core::deployment::{Deployment, Endpoint};
use towpath_core::freezing::Scope;
use towpath_core::governing::{MatrixCommit, MatrixSource, MatrixWait, MatrixWord, Proposal};
use towpath_core::ids::{CommandId, Digest, Epoch, Person, PromotionNumber, Revision, TokenId};
use towpath_core::journal::{
    Attested, EngineStart, Event, Freeze, Remembered, Requested, Thaw, Withdrawal,
};
use towpath_core::matrix::{Signal, Tier};
use towpath_core::notices::{Delivered, GivenUp, Notice, Occasion, Resent};
use towpath_core::people::Verb;
use towpath_core::plan::Plan;
use towpath_core::promotion::state::{CheckKey, Ending, GateList, Kind, Lane, Outcome};
use towpath_core::reason::Next;
use towpath_core::release::{ChangeType, ReleaseRef};
use towpath_core::tokens::{Bounds, Revoked, Token};
use towpath_core::units::{Span, Timestamp, Weight};
use towpath_guard::Standing;

#[path = "golden/position.rs"]
mod position;

use position::{VARIANTS, position};

const AT: Timestamp = Timestamp(1_798_761_600_000_000);
const NUMBER: PromotionNumber = PromotionNumber(7);

fn reference() -> ReleaseRef {
    ReleaseRef::from(&release(1, ChangeType::Feature, false))
}

fn deployment(number: u64) -> Deployment {
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], 4001));
    let (number, endpoints) = (PromotionNumber(number), vec![Endpoint { instance: 1, address }]);
    Deployment { number, release: reference(), capacity: 1, endpoints }
}

fn plan() -> Plan {
    let accepted = vec!["environments.prod.gate.prerequisites.github".to_owned()];
    Plan::new(&Lane::new(lane_id("prod")), Kind::Promote, reference(), &section(0xFFF8), &accepted)
}

fn key() -> CheckKey {
    CheckKey { list: GateList::Validation, slug: "health".to_owned() }
}

fn because() -> String {
    "it is slow".to_owned()
}

fn of_the_project() -> Vec<Event> {
    let attested = Attested {
        lane: lane_id("prod"),
        release: reference(),
        title: "User acceptance testing complete".to_owned(),
        by: ada(),
        at: AT,
        note: Some("all of it".to_owned()),
        link: None,
        signed: Some(signed()),
    };
    let production = Scope { environment: Some(name("prod")), service: None };
    vec![
        Event::EngineStarted(EngineStart { epoch: Epoch(3), program: "0.1.0".into(), words: 0 }),
        Event::MatrixApplied {
            matrix: Box::new(matrix(0xFFF8)),
            by: ada(),
            changes: vec!["people.ada".to_owned()],
            approved: vec![Asked {
                role: name("business"),
                needed: 1,
                by: vec![ada()],
                owners: None,
            }],
            signed: None,
        },
        Event::ReleaseCreated {
            release: Box::new(release(1, ChangeType::Hotfix, true)),
            by: ada(),
        },
        Event::Attested(attested),
        Event::EvidenceWithdrawn(Withdrawal {
            digest: reference().digest,
            name: "reports/unit.xml".to_owned(),
            by: ada(),
            at: AT,
            reason: because(),
        }),
        Event::Frozen(Freeze {
            scope: production.clone(),
            by: ada(),
            reason: because(),
            until: Some(AT),
            except: vec![ChangeType::Hotfix],
            since: AT,
        }),
        Event::Thawed(Thaw { scope: production, by: ada(), reason: Some(because()), signed: None }),
        Event::TokenCreated(Box::new(Token {
            id: TokenId::new("0123456789ab").unwrap(),
            name: name("ci"),
            hash: Digest::of(b"secret"),
            owner: ada(),
            by: None,
            parent: Some(TokenId::new("ba9876543210").unwrap()),
            bounds: Bounds {
                verbs: [Verb::Promote, Verb::Rollback].into(),
                environments: [name("prod")].into(),
            },
            created_at: AT,
            expires_at: AT.plus(Span::hours(24)),
            ended: None,
        })),
        Event::TokenRevoked(Revoked {
            id: TokenId::new("0123456789ab").unwrap(),
            by: ada(),
            reason: Some(because()),
        }),
    ]
}

fn of_the_gate() -> Vec<Event> {
    let requested = Requested {
        number: NUMBER,
        plan: plan(),
        from: Some(name("dev")),
        offered_by: Some(PromotionNumber(6)),
        by: ada(),
        behind: vec![Person::new("lead").unwrap()],
        reason: Some(because()),
        deadline: AT,
        irreversible: true,
        bound_to_plan: true,
        overrides_window: true,
        signed: Some(signed()),
        trace: None,
    };
    let number = NUMBER;
    let command = CommandId(9);
    let answer = CheckAnswer::pending(AT, "not yet").with_output("waiting");
    vec![
        Event::PromotionRequested(Box::new(requested)),
        Event::PlanChanged { number, plan: Box::new(plan()) },
        Event::CheckAsked { number, key: key(), command },
        Event::CheckAnswered { number, key: key(), answer, ask_again_at: Some(AT) },
        Event::AnswerWithdrawn { number, key: key(), sentence: because() },
        Event::PromotionDoubted { number, digest: reference().digest, sentence: because() },
        Event::PromotionStarted {
            number,
            command,
            blue: Some(deployment(5)),
            standby: Some(PromotionNumber(4)),
            approved: vec![Asked {
                role: name("business"),
                needed: 1,
                by: vec![ada()],
                owners: None,
            }],
        },
        Event::ApprovalGiven {
            number: Some(number),
            approval: Approval {
                by: ada(),
                plan: reference().digest,
                agrees: true,
                note: Some(because()),
                link: Some("https://wiki/1".to_owned()),
                signed: Some(signed()),
            },
        },
        Event::StandbyGivenUp { number, command, sentence: because() },
        Event::InstancesReady { number, green: deployment(7), blue_ready: true },
    ]
}

fn of_the_rollout() -> Vec<Event> {
    let (number, step, weight) = (NUMBER, 1, Weight::from_basis_points(1250).unwrap());
    let (command, revision, sentence) = (CommandId(10), Revision(4), because());
    vec![
        Event::WeightOrdered { number, step, command, revision, weight, why: None },
        Event::WeightObserved { number, step, weight },
        Event::StepHeld { number, step, standing: Standing::Blind, sentence: sentence.clone() },
        Event::RolloutHeld { number, sentence: because(), until: AT },
        Event::RolloutReleased { number },
        Event::StepPassed { number, step, verdict: Some(verdict()) },
        Event::Condemned { number, verdict: verdict() },
        Event::ReconciliationBegan { number, step, sentence, weight, retry_at: AT },
        Event::BlueLost { number, sentence: because() },
        Event::PromotionPaused { number, by: ada(), reason: because(), until: AT },
        Event::PromotionResumed { number, by: ada(), signed: None },
    ]
}

fn of_the_end() -> Vec<Event> {
    let (number, command, revision) = (NUMBER, CommandId(11), Revision(5));
    let (reason, settings) = (because(), None);
    let ending = Ending {
        outcome: Outcome::RolledBack,
        sentence: because(),
        said: vec!["Error: no database".to_owned()],
        quarantine: true,
    };
    vec![
        Event::CommitOrdered { number, command, revision, barred: false },
        Event::Committed { number, deployment: deployment(7), standby: Some((deployment(5), AT)) },
        Event::ReturnOrdered { number, command, revision, ending },
        Event::RouteRetried { number, sentence: because(), retry_at: AT, returned: true },
        Event::PersonCalled { number, reason: because(), again_at: AT },
        Event::TrafficReturned { number },
        Event::StopOrdered { deployment: number, command },
        Event::StopFailed { deployment: number, sentence: because(), retry_at: AT },
        Event::InstancesStopped { deployment: number },
        Event::StandbyEnded { deployment: number, sentence: because() },
        Event::HoldbackChanged {
            deployment: number,
            holdback: Some(Box::new(holdback(AT, because()))),
            sentence: because(),
        },
        Event::ReleaseQuarantined { release: reference(), number, reason, settings: None },
        Event::QuarantineLifted {
            digest: reference().digest,
            by: ada(),
            reason: because(),
            signed: None,
        },
        Event::VerificationWithdrawn { digest: reference().digest, sentence: because(), settings },
        Event::PromotionEnded { number, outcome: Outcome::RolledBack, sentence: because() },
        Event::ReleaseOffered { release: reference(), number, command, to: vec![name("prod")] },
        Event::SignalReceived { signal: Signal::SecurityIncident, by: ada(), reason: because() },
        Event::RollbackAsked { reason: because() },
        Event::BudgetChanged { spent: true, sentence: because() },
        Event::OwnersTold(Box::new(kept::owners_told())),
        Event::ReasonGiven { number, by: ada(), reason: because() },
        Event::RollbackRemembered(Remembered {
            by: ada(),
            reason: Some(because()),
            quarantine: true,
            leaves_release: false,
            ordered: true,
            after: number,
        }),
    ]
}

fn of_notices() -> Vec<Event> {
    let notice = Notice {
        id: "6635b5a8dc000-3-17-0".to_owned(),
        channel: "slack".to_owned(),
        occasion: Occasion::RolledBack,
        at: AT,
        project: name("project"),
        rehearsal: Some(60),
        lane: Some(lane_id("prod")),
        tier: Some(Tier::Production),
        promotion: Some(NUMBER),
        release: Some(reference().version),
        serves: None,
        served: None,
        subject: "[project] prod went back".to_owned(),
        rows: vec![("cause".to_owned(), because())],
        next: vec![Next::new("towpath logs 7", "what it wrote")],
        summary: Some("harmed 3\n".to_owned()),
    };
    let secrets = vec!["SLACK_WEBHOOK_URL".to_owned()];
    let delivered = Delivered {
        id: notice.id.clone(),
        channel: notice.channel.clone(),
        occasion: notice.occasion,
        promotion: notice.promotion,
        attempts: 2,
        notice: Some(Box::new(notice.clone())),
        secrets: secrets.clone(),
    };
    let id = notice.id.clone();
    let again = Resent { id, by: ada(), arrived: true, promotion: Some(NUMBER) };
    vec![
        Event::NoticeDelivered(Box::new(delivered)),
        Event::NoticeGivenUp(Box::new(GivenUp {
            notice,
            attempts: 9,
            sentence: because(),
            secrets,
        })),
        Event::NoticeRetried(again),
        refused(),
        secrets_read(),
        session_changed(),
    ]
}

fn of_the_matrix() -> Vec<Event> {
    vec![
        Event::MatrixProposed(Box::new(Proposal {
            matrix: Box::new(matrix(0xFFF8)),
            plan: reference().digest,
            changes: vec!["environments.prod.gate".to_owned()],
            by: ada(),
            since: AT,
            words: vec![Word { by: ada(), plan: reference().digest, at: AT }],
            signed: None,
            reminded_at: None,
        })),
        Event::MatrixReminded(MatrixWait { plan: reference().digest }),
        Event::MatrixLapsed(MatrixWait { plan: reference().digest }),
        Event::MatrixWritten(Box::new(MatrixSource {
            matrix: reference().digest,
            file: "towpath.yaml".to_owned(),
            text: "project: shop\n".to_owned(),
            beside: [("holidays.ics".to_owned(), "BEGIN:VCALENDAR\n".to_owned())].into(),
            commit: Some(MatrixCommit {
                repository: "https://git.example/shop".to_owned(),
                branch: "main".to_owned(),
                commit: "4bf92f3577b34da6a3ce929d0e0e473600f067aa".to_owned(),
                author: "Ada".to_owned(),
                path: "towpath.yaml".to_owned(),
            }),
        })),
        Event::MatrixWordGiven(Box::new(MatrixWord {
            by: ada(),
            plan: reference().digest.hex().to_owned(),
            agrees: true,
            note: Some(because()),
            signed: Some(signed()),
        })),
    ]
}

fn of_debts() -> Vec<Event> {
    let (number, kind) = (NUMBER, DebtKind::Backport);
    let debt = Debt {
        number,
        kind,
        release: reference(),
        before: Some(reference()),
        by: ada(),
        behind: vec![Person::new("lead").unwrap()],
        broke_glass: true,
        branch: Some("develop".to_owned()),
        due: Some(AT),
        blocks: vec![ChangeType::Feature],
    };
    let settled = Settled {
        number,
        kind,
        by: ada(),
        note: Some(because()),
        link: Some("https://wiki/1".to_owned()),
        found_in: Some(reference().version),
        signed: None,
    };
    vec![
        Event::DebtIncurred(Box::new(debt)),
        Event::DebtSettled(Box::new(settled)),
        Event::DebtOverdue { number, kind },
        Event::Reminded { number },
    ]
}

fn examples() -> Vec<Event> {
    [
        of_the_project(),
        of_the_gate(),
        of_the_rollout(),
        of_the_end(),
        of_notices(),
        of_debts(),
        of_the_matrix(),
    ]
    .concat()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

#[test]
fn every_event_has_an_example() {
    let shown: BTreeSet<usize> = examples().iter().map(position).collect();
    assert_eq!(shown, (0..VARIANTS).collect());
}

#[test]
fn every_event_is_stored_as_it_always_was() {
    let bless = std::env::var_os("TOWPATH_BLESS").is_some();
    let mut expected = BTreeSet::new();
    for event in examples() {
        let file = folder().join(format!("{}.json", event.kind()));
        let text = serde_json::to_string_pretty(&event).unwrap() + "\n";
        if bless {
            std::fs::write(&file, &text).unwrap();
        }
        let stored = std::fs::read_to_string(&file)
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        assert_eq!(text, stored, "{} is written otherwise now", event.kind());
        assert_eq!(serde_json::from_str::<Event>(&stored).unwrap(), event);
        expected.insert(file);
    }
    assert_eq!(json_files(&folder()), expected, "a stored example belongs to no event");
}

#[test]
fn what_older_versions_stored_is_read() {
    let older = json_files(&folder().join("older"));
    assert!(!older.is_empty());
    for file in older {
        let text = std::fs::read_to_string(&file).unwrap();
        let event: Event = serde_json::from_str(&text)
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let kind = file.file_stem().unwrap().to_str().unwrap().split('.').next().unwrap();
        assert_eq!(event.kind(), kind);
    }
}

fn json_files(folder: &Path) -> BTreeSet<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_some_and(|extension| extension == "json")).collect()
}

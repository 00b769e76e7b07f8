//! Accounts: what counts once counts once, however many ask, and nothing grows without end.

use std::sync::Arc;

use towpath_core::ids::{Digest, Person, SessionId};
use towpath_core::units::{Span, Timestamp};
use towpath_ports::accounts::{
    Accounts, AttemptKey, KeptLink, KeptSession, MOST_LINKS, MOST_SESSIONS, Purpose, REMEMBERED,
    UnderWay,
};
use towpath_ports::secret::Secret;
use towpath_store::SqlAccounts;

use crate::ground::Ground;

const NOW: Timestamp = Timestamp(1_800_000_000_000_000);
const WITHIN: Span = Span::minutes(15);

on_both_databases! {
    a_password_is_exchanged_and_a_second_factor_counts_from_its_first_code,
    a_code_is_taken_once_whoever_asks_at_the_same_time,
    a_session_is_found_by_its_cookie_alone_until_it_ends,
    a_stronger_session_has_another_cookie,
    a_person_has_a_bounded_number_of_sessions_and_the_oldest_ends,
    a_link_is_used_once_whoever_asks_at_the_same_time,
    attempts_are_counted_each_within_a_window,
    a_sign_in_under_way_is_taken_once_and_not_too_late,
    what_is_over_is_swept_and_what_is_not_stays,
    accounts_stand_beside_a_journal_and_survive_a_restart,
}

fn person(name: &str) -> Person {
    Person::new(name).unwrap()
}

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned()).unwrap()
}

fn after(span: Span) -> Timestamp {
    NOW.plus(span)
}

fn digest(text: &str) -> Digest {
    Digest::of(text.as_bytes())
}

fn session(number: u32, name: &str) -> KeptSession {
    let started = after(Span::seconds(u64::from(number)));
    KeptSession {
        id: SessionId::new(&format!("{number:012x}")).unwrap(),
        hash: digest(&format!("cookie {number}")),
        person: person(name),
        way: "password".to_owned(),
        place: "10.0.0.7".to_owned(),
        started,
        first: started,
        second: None,
        expires_at: started.plus(Span::hours(12)),
        claims: None,
    }
}

fn link(text: &str, name: Option<&str>) -> KeptLink {
    KeptLink {
        hash: digest(text),
        purpose: Purpose::SignIn,
        person: name.map(person),
        made_by: "ada".to_owned(),
        expires_at: after(WITHIN),
    }
}

/// A place of its own: on SQLite beside the journal, on PostgreSQL in the same schema.
async fn open(ground: &Ground) -> SqlAccounts {
    let location = match ground.location.strip_suffix("journal.db") {
        Some(folder) => format!("{folder}server.db"),
        None => ground.location.clone(),
    };
    SqlAccounts::open(&location).await.expect("accounts open")
}

async fn a_password_is_exchanged_and_a_second_factor_counts_from_its_first_code(ground: &Ground) {
    let accounts = open(ground).await;
    let ada = person("ada");
    assert!(!accounts.has_users().await.unwrap());
    assert!(accounts.user(&ada).await.unwrap().is_none());
    assert!(!accounts.offer_second(&ada, &secret("JBSWY3DP")).await.unwrap(), "nobody is there");
    for hash in ["$argon2id$one", "$argon2id$two"] {
        accounts.set_password(&ada, &secret(hash), NOW).await.unwrap();
    }
    assert!(accounts.has_users().await.unwrap());
    let user = accounts.user(&ada).await.unwrap().unwrap();
    assert_eq!(user.password.reveal(), "$argon2id$two");
    assert!(user.second.is_none());
    assert!(!accounts.take_step(&ada, 5, NOW).await.unwrap(), "there is no second factor");
    assert!(accounts.offer_second(&ada, &secret("JBSWY3DP")).await.unwrap());
    let offered = accounts.user(&ada).await.unwrap().unwrap().second.unwrap();
    assert_eq!((offered.secret.reveal(), offered.since), ("JBSWY3DP", None));
    assert!(accounts.take_step(&ada, 5, NOW).await.unwrap());
    assert!(accounts.take_step(&ada, 7, after(WITHIN)).await.unwrap());
    let shown = accounts.user(&ada).await.unwrap().unwrap().second.unwrap();
    assert_eq!(shown.since, Some(NOW), "since the first");
}

async fn a_code_is_taken_once_whoever_asks_at_the_same_time(ground: &Ground) {
    let accounts = Arc::new(open(ground).await);
    let ada = person("ada");
    accounts.set_password(&ada, &secret("$argon2id$one"), NOW).await.unwrap();
    accounts.offer_second(&ada, &secret("JBSWY3DP")).await.unwrap();
    let tries: Vec<_> = (0..16)
        .map(|_| {
            let (accounts, ada) = (Arc::clone(&accounts), ada.clone());
            tokio::spawn(async move { accounts.take_step(&ada, 9, NOW).await.unwrap() })
        })
        .collect();
    let mut taken = 0;
    for one in tries {
        taken += usize::from(one.await.unwrap());
    }
    assert_eq!(taken, 1);
    assert!(!accounts.take_step(&ada, 8, NOW).await.unwrap(), "one before it");
}

async fn a_session_is_found_by_its_cookie_alone_until_it_ends(ground: &Ground) {
    let accounts = open(ground).await;
    let (mine, other) = (session(1, "ada"), session(2, "bob"));
    accounts.begin_session(&mine).await.unwrap();
    accounts.begin_session(&other).await.unwrap();
    assert!(accounts.begin_session(&mine).await.is_err(), "one cookie, one session");
    assert_eq!(accounts.session(&mine.hash, NOW).await.unwrap().as_ref(), Some(&mine));
    assert_eq!(accounts.session(&digest("another"), NOW).await.unwrap(), None);
    assert_eq!(accounts.session(&mine.hash, mine.expires_at).await.unwrap(), None, "to the second");
    assert_eq!(accounts.end_session(&mine.id, NOW).await.unwrap().as_ref(), Some(&mine));
    assert_eq!(accounts.end_session(&mine.id, NOW).await.unwrap(), None);
    assert_eq!(accounts.session(&mine.hash, NOW).await.unwrap(), None);
    assert_eq!(accounts.sessions_of(&person("bob"), NOW).await.unwrap(), [other]);
}

async fn a_stronger_session_has_another_cookie(ground: &Ground) {
    let accounts = open(ground).await;
    let claims = Some("{\"groups\":[\"sre\"]}".to_owned());
    let one = KeptSession { claims, ..session(1, "ada") };
    accounts.begin_session(&one).await.unwrap();
    let next = digest("next");
    assert!(accounts.strengthen_session(&one.hash, &next, after(WITHIN)).await.unwrap());
    assert!(!accounts.strengthen_session(&one.hash, &digest("late"), NOW).await.unwrap());
    assert_eq!(accounts.session(&one.hash, NOW).await.unwrap(), None);
    let now = accounts.session(&next, NOW).await.unwrap().unwrap();
    assert_eq!(now, KeptSession { hash: next, second: Some(after(WITHIN)), ..one });
}

async fn a_person_has_a_bounded_number_of_sessions_and_the_oldest_ends(ground: &Ground) {
    let accounts = open(ground).await;
    accounts.begin_session(&session(900, "bob")).await.unwrap();
    for number in 0..MOST_SESSIONS + 3 {
        accounts.begin_session(&session(number, "ada")).await.unwrap();
    }
    let open = accounts.sessions_of(&person("ada"), after(Span::minutes(1))).await.unwrap();
    assert_eq!(open.len(), MOST_SESSIONS as usize);
    assert_eq!(open.last().unwrap().id, session(3, "ada").id, "0, 1 and 2 ended");
    assert_eq!(accounts.sessions_of(&person("bob"), NOW).await.unwrap().len(), 1);
}

async fn a_link_is_used_once_whoever_asks_at_the_same_time(ground: &Ground) {
    let accounts = Arc::new(open(ground).await);
    let one = link("one", Some("ada"));
    assert!(accounts.keep_link(&one, NOW).await.unwrap());
    let nobodys = KeptLink { purpose: Purpose::SetUp, ..link("set-up", None) };
    assert!(accounts.keep_link(&nobodys, NOW).await.unwrap());
    for _ in 0..3 {
        assert_eq!(accounts.link(&one.hash, NOW).await.unwrap().as_ref(), Some(&one), "looking");
    }
    let tries: Vec<_> = (0..16)
        .map(|_| {
            let (accounts, hash) = (Arc::clone(&accounts), one.hash.clone());
            tokio::spawn(async move { accounts.use_link(&hash, NOW).await.unwrap().is_some() })
        })
        .collect();
    let mut used = 0;
    for one in tries {
        used += usize::from(one.await.unwrap());
    }
    assert_eq!(used, 1);
    assert_eq!(accounts.link(&one.hash, NOW).await.unwrap(), None);
    assert_eq!(accounts.use_link(&nobodys.hash, nobodys.expires_at).await.unwrap(), None, "late");
    assert_eq!(accounts.use_link(&nobodys.hash, NOW).await.unwrap(), Some(nobodys));
    for number in 0..MOST_LINKS {
        let kept = accounts.keep_link(&link(&format!("{number}"), Some("bob")), NOW).await;
        assert!(kept.unwrap(), "{number}");
    }
    assert!(!accounts.keep_link(&link("more", Some("bob")), NOW).await.unwrap());
    assert!(accounts.keep_link(&link("of another", Some("chen")), NOW).await.unwrap());
    assert!(accounts.keep_link(&link("later", Some("bob")), after(WITHIN)).await.unwrap());
}

async fn attempts_are_counted_each_within_a_window(ground: &Ground) {
    let accounts = Arc::new(open(ground).await);
    let key = AttemptKey::of("account", "ada");
    let tries: Vec<_> = (0..16)
        .map(|_| {
            let (accounts, key) = (Arc::clone(&accounts), key.clone());
            tokio::spawn(async move { accounts.count_attempt(&key, WITHIN, NOW).await.unwrap() })
        })
        .collect();
    let mut counts = Vec::new();
    for one in tries {
        counts.push(one.await.unwrap());
    }
    counts.sort_unstable();
    assert_eq!(counts, (1..=16).collect::<Vec<u64>>());
    let count = async |at| accounts.count_attempt(&key, WITHIN, at).await.unwrap();
    assert_eq!(count(after(Span::minutes(14))).await, 17);
    assert_eq!(count(after(WITHIN)).await, 1, "another window");
    let other = AttemptKey::of("account", "bob");
    assert_eq!(accounts.attempts(&other, WITHIN, NOW).await.unwrap(), 0, "looking counts nothing");
    assert_eq!(accounts.count_attempt(&other, WITHIN, NOW).await.unwrap(), 1);
    for at in [NOW, NOW.plus(Span(WITHIN.0 - 1))] {
        assert_eq!(accounts.attempts(&other, WITHIN, at).await.unwrap(), 1);
    }
    assert_eq!(accounts.attempts(&other, WITHIN, NOW.plus(WITHIN)).await.unwrap(), 0);
    accounts.forget_attempts(&key).await.unwrap();
    assert_eq!(count(after(WITHIN)).await, 1);
}

async fn a_sign_in_under_way_is_taken_once_and_not_too_late(ground: &Ground) {
    let accounts = open(ground).await;
    let under_way = |text: &str| UnderWay {
        hash: digest(text),
        body: "{\"nonce\":\"n\"}".to_owned(),
        expires_at: after(WITHIN),
    };
    let (one, late) = (under_way("one"), under_way("late"));
    for kept in [&one, &late] {
        assert!(accounts.keep_under_way(kept, NOW).await.unwrap());
        assert!(!accounts.keep_under_way(kept, NOW).await.unwrap(), "it is kept already");
    }
    assert_eq!(accounts.take_under_way(&one.hash, NOW).await.unwrap(), Some(one.clone()));
    assert_eq!(accounts.take_under_way(&one.hash, NOW).await.unwrap(), None);
    assert_eq!(accounts.take_under_way(&late.hash, after(WITHIN)).await.unwrap(), None);
    assert_eq!(accounts.take_under_way(&late.hash, NOW).await.unwrap(), None, "it is gone");
}

async fn what_is_over_is_swept_and_what_is_not_stays(ground: &Ground) {
    let accounts = open(ground).await;
    let (one, two) = (session(1, "ada"), session(2, "ada"));
    for kept in [&one, &two] {
        accounts.begin_session(kept).await.unwrap();
    }
    accounts.end_session(&one.id, NOW).await.unwrap();
    assert!(accounts.keep_link(&link("one", None), NOW).await.unwrap());
    accounts.count_attempt(&AttemptKey::of("address", "::1"), WITHIN, NOW).await.unwrap();
    assert_eq!(accounts.sweep(WITHIN, NOW).await.unwrap(), 0);
    assert_eq!(accounts.sweep(WITHIN, after(WITHIN)).await.unwrap(), 1, "the attempt");
    let later = after(REMEMBERED).plus(Span::hours(1));
    assert_eq!(accounts.sweep(WITHIN, later).await.unwrap(), 2, "the link and what was ended");
    assert_eq!(accounts.session(&two.hash, NOW).await.unwrap(), Some(two));
}

async fn accounts_stand_beside_a_journal_and_survive_a_restart(ground: &Ground) {
    ground.open().await.close().await;
    let accounts = open(ground).await;
    accounts.set_password(&person("ada"), &secret("$argon2id$one"), NOW).await.unwrap();
    accounts.begin_session(&session(1, "ada")).await.unwrap();
    accounts.close().await;
    ground.open().await.close().await;
    let again = open(ground).await;
    assert!(again.has_users().await.unwrap());
    assert!(again.session(&session(1, "ada").hash, NOW).await.unwrap().is_some());
}

//! Which secrets the releases of a lane are handed, where each is read, and what is left undone. No value
//! is anywhere in it.

use std::collections::BTreeMap;

use towpath_core::ids::{LaneId, Name};

use crate::check;

const FILE: &str = "version: 1
project: shop
environments:
  dev:
    tier: development
    target: { kind: process, command: [./app] }
    secret_store: { kind: file, path: /run/dev, access: [local, audit], rotation: manual }
    secrets: { DB_PASSWORD: { type: password }, SHARED: { kind: env, variable: OF_DEV } }
  live:
    after: dev
    tier: production
    target: { kind: process, command: [./app] }
    secret_store: { kind: file, path: /run/live }
    secrets: { DB_PASSWORD: {} }
";

/// Kind and settings of the store of each secret that the releases of `environment` get.
fn handed(text: &str, environment: &str) -> BTreeMap<String, String> {
    let checked = check(text);
    assert_eq!(checked.errors, []);
    let matrix = checked.matrix.expect("nothing is wrong with it");
    let name = |text: &str| Name::new(text).expect("a name");
    let lane = LaneId { service: name("shop"), environment: name(environment) };
    let (_, section) = matrix.lane(&lane).expect("it has the lane");
    let told = section.secrets.iter().map(|(name, place)| {
        let path = place.settings.get("path").or_else(|| place.settings.get("variable"));
        let path = path.and_then(|it| it.as_str()).unwrap_or("-");
        (name.clone(), format!("{} {path}", place.kind))
    });
    told.collect()
}

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, place)| ((*name).to_owned(), (*place).to_owned())).collect()
}

#[test]
fn each_environment_reads_its_own_store_and_never_that_of_another() {
    let dev = map(&[("DB_PASSWORD", "file /run/dev/DB_PASSWORD"), ("SHARED", "env OF_DEV")]);
    assert_eq!(handed(FILE, "dev"), dev);
    assert_eq!(handed(FILE, "live"), map(&[("DB_PASSWORD", "file /run/live/DB_PASSWORD")]));
    assert_eq!(check(FILE).not_enforced, [], "nothing of it is left undone");
}

#[test]
fn one_at_the_top_is_for_all_whose_environment_has_none_of_that_name() {
    let top = "secrets: { SHARED: { kind: env }, PLAIN: {}, HOOK: { kind: env } }\n\
               notifiers: { ops: { kind: webhook, url_secret: HOOK } }\n";
    let text = format!("{FILE}{top}");
    let live = [
        ("DB_PASSWORD", "file /run/live/DB_PASSWORD"),
        ("PLAIN", "file /run/live/PLAIN"),
        ("SHARED", "env -"),
    ];
    assert_eq!(handed(&text, "live"), map(&live), "a channel's own is none of theirs");
    assert_eq!(handed(&text, "dev")["SHARED"], "env OF_DEV");
    assert_eq!(handed(&text, "dev")["PLAIN"], "file /run/dev/PLAIN");
}

#[test]
fn a_store_is_a_folder_and_only_a_secret_itself_has_a_file() {
    let own = "{ DB_PASSWORD: {}, TLS_KEY: { kind: file, path: /run/live/key.pem } }";
    let text =
        FILE.replace("{ DB_PASSWORD: {} }", own).replace("path: /run/live }", "path: live/ }");
    let live = [("DB_PASSWORD", "file live/DB_PASSWORD"), ("TLS_KEY", "file /run/live/key.pem")];
    assert_eq!(
        handed(&text, "live"),
        map(&live),
        "no two are ever read from one file of the store"
    );
}

#[test]
fn what_is_asked_beyond_the_reading_is_listed_and_refuses_nothing() {
    let more = FILE
        .replace("DB_PASSWORD: {}", "DB_PASSWORD: { rotate_every: 30d, hsm: false, logged: true }")
        .replace("path: /run/live", "path: /run/live, encryption: true, access: [mfa]");
    assert_eq!(handed(&more, "live").len(), 1);
    let listed: Vec<_> =
        check(&more).not_enforced.into_iter().map(|it| (it.path, it.refuses)).collect();
    let expected =
        ["secret_store.access", "secret_store.encryption", "secrets.DB_PASSWORD.rotate_every"];
    assert_eq!(listed, expected.map(|path| (format!("environments.live.{path}"), false)));
}

#[test]
fn a_secret_that_has_no_place_refuses_and_says_so() {
    for (store, reason) in [
        ("", "nothing says where `DB_PASSWORD` is kept"),
        (
            "secret_store: { kind: aws-secrets-manager }",
            "`DB_PASSWORD` is kept in `aws-secrets-manager`, which is planned",
        ),
        (
            "secret_store: { kind: env, variable: ONE }",
            "`secret_store` has one variable for `DB_PASSWORD` and for all others",
        ),
    ] {
        let text = FILE.replace("secret_store: { kind: file, path: /run/live }", store);
        let found = check(&text).not_enforced;
        let own = found.iter().find(|it| it.path == "environments.live.secrets");
        assert_eq!(own.map(|it| (&*it.reason, it.refuses)), Some((reason, true)), "{store}");
        assert_eq!(handed(&text, "live"), BTreeMap::new());
    }
}

#[test]
fn the_plan_knows_the_place_of_a_secret() {
    let digest = |text: &str| check(text).matrix.expect("it is whole").digest();
    assert_eq!(digest(FILE), digest(FILE));
    assert_ne!(digest(FILE), digest(&FILE.replace("path: /run/live", "path: /run/other")));
}

//! Waiting for a person's word, superseding and pre-empting.

use towpath_e2e::World;

use crate::{
    AT_ONCE, Begun, SLOW, SOON, is_untouched, json, release_as, release_of_type, routed, routing,
    under_way,
};

const ACCEPTED: &str = "User acceptance testing complete";

fn gated() -> World {
    let gate =
        format!("\ngate:\n  prerequisites: [ {{ check: attested, name: {ACCEPTED}, by: [qa] }} ]");
    let gate = gate + "\naccept_unenforced: [user-acceptance-testing-complete.by]";
    let world = World::new(&routing(&format!("{AT_ONCE}{gate}")));
    world.release("1.0.0", &[]);
    world.release("1.1.0", &["TTS_VOICE=bea"]);
    world
}

fn waits(world: &World, number: u64) {
    world.until("the promotion waits for a person", SOON, || {
        let promotion = world.lane()["promotion"].clone();
        promotion["number"] == number
            && promotion["state"] == "waiting"
            && promotion["waits_for"].to_string().contains(ACCEPTED)
    });
}

#[test]
fn a_promotion_waits_for_a_persons_word_and_starts_when_it_is_given() {
    let world = gated();
    let mut words = vec!["promote", "production", "--release", "1.0.0", "--yes"];
    words.extend(["--no-wait", "--json"]);
    let accepted = world.must(&words, 0).last();
    assert_eq!((&accepted["event"], &accepted["exit"]), (&"accepted".into(), &0.into()));
    waits(&world, 1);
    for words in [&["why", "production"][..], &["waiting"]] {
        let said = world.must(words, 0).out;
        assert!(said.contains(ACCEPTED) && said.contains("towpath attest"), "{said}");
    }
    assert_eq!(json(&world, &["waiting"])["waiting"][0]["number"], 1);
    let refused = world.must(&["attest", "production", "Tests complete"], 5);
    assert!(refused.err.contains(ACCEPTED), "it names the right one: {}", refused.err);
    world.must(&["attest", "nowhere", ACCEPTED], 5);
    world.must(&["attest", "production", ACCEPTED, "--release", "9.9.9"], 5);
    assert!(world.lane()["serves"].is_null(), "nothing may have started");
    let watcher = Begun::new(&world, &["watch", "1"]);
    world.must(&["attest", "production", ACCEPTED, "--note", "all 14 cases"], 0);
    let ended = watcher.end();
    assert_eq!((ended.code, &ended.last()["outcome"]), (0, &"succeeded".into()), "{}", ended.out);
    assert_eq!(world.lane()["serves"]["release"], "1.0.0");
    assert_eq!(json(&world, &["waiting"])["waiting"].as_array().map(Vec::len), Some(0));
}

#[test]
fn a_role_that_nobody_can_check_refuses_until_a_person_goes_without_it_by_name() {
    let gate =
        format!("\ngate:\n  prerequisites: [ {{ check: attested, name: {ACCEPTED}, by: [qa] }} ]");
    let world = World::new(&routing(&format!("{AT_ONCE}{gate}")));
    world.release("1.0.0", &[]);
    world.must(&["attest", "production", ACCEPTED, "--release", "1.0.0"], 0);
    let promote = ["promote", "production", "--release", "1.0.0", "--yes"];
    let refused = world.must(&promote, 3);
    let accept = ["--accept-unenforced", "user-acceptance-testing-complete.by"];
    assert!(refused.err.contains(&accept.join(" ")), "{}", refused.err);
    let checked = world.must(&["matrix", "check"], 0);
    let path = "environments.production.gate.prerequisites.user-acceptance-testing-complete.by";
    assert!(format!("{}{}", checked.out, checked.err).contains(path), "{}", checked.out);
    let reason = ["--reason", "we are two and know each other"];
    let too_short = [&promote[..], &["--accept-unenforced", "by"], &reason].concat();
    assert!(world.must(&too_short, 2).err.contains("nothing here is called `by`"));
    world.must(&[&promote[..], &accept, &reason].concat(), 0);
}

const METRICS: &str = "Business metrics validated";

#[test]
fn a_rollout_waits_at_100_for_the_word_of_the_role_that_is_asked_for() {
    let gate = format!(
        "\ngate:\n  validation: [ {{ check: attested, name: {METRICS}, by: [product], at: 100% }} ]"
    );
    let steps = "{ steps: [ { weight: 25%, bake: 1m }, { weight: 100%, bake: 1m } ] }";
    let people = "people:\n  ada: { roles: [developer] }\n  emil: { roles: [business] }\n  pia: { roles: [product] }\n";
    let world = World::new(&format!("{}{people}", routing(&format!("{steps}{gate}"))));
    let attest = |version: &str, who: &str| {
        world.must(&["attest", "production", METRICS, "--release", version, "--act-as", who], 0);
    };
    let promote = |version: &str| {
        let words = ["promote", "production", "--release", version, "--yes", "--no-wait"];
        world.must(&[&words[..], &["--act-as", "ada"]].concat(), 0);
    };
    for version in ["1.0.0", "1.1.0"] {
        release_as(&world, version, "feature", &["--act-as", "ada"]);
    }
    attest("1.0.0", "pia");
    promote("1.0.0");
    world.until("1.0.0 serves", SOON, || world.lane()["serves"]["release"] == "1.0.0");
    let visitors = world.visitors(2);
    promote("1.1.0");
    let waits = |words: &str| world.lane()["promotion"]["waits_for"].to_string().contains(words);
    world.until("it waits for a person", SOON, || waits(METRICS));
    assert_eq!(world.lane()["weights"]["green"].as_f64(), Some(1.0), "{}", world.lane());
    let why = world.must(&["why", "production"], 0).out;
    assert!(why.contains("product") && why.contains("towpath attest"), "{why}");
    attest("1.1.0", "emil");
    world.until("the word is heard", SOON, || waits("emil attested it without that role"));
    assert_eq!(world.lane()["serves"]["release"], "1.0.0", "{}", world.lane());
    attest("1.1.0", "pia");
    world.until("1.1.0 serves", SOON, || world.lane()["serves"]["release"] == "1.1.0");
    assert_eq!(visitors.end().lost, 0);
}

#[test]
fn a_word_about_one_release_opens_no_gate_for_another() {
    let world = gated();
    world.must(&["attest", "production", ACCEPTED, "--release", "1.0.0"], 0);
    let begin = |version: &str| {
        let words = ["promote", "production", "--release", version, "--yes", "--no-wait"];
        world.must(&words, 0);
    };
    begin("1.1.0");
    waits(&world, 1);
    // What was said before the promotion was asked for counts as well.
    begin("1.0.0");
    world.until("1.0.0 serves", SOON, || world.lane()["serves"]["release"] == "1.0.0");
}

#[test]
fn a_newer_promotion_takes_the_place_of_one_that_waits() {
    let world = gated();
    let watcher = Begun::new(&world, &["promote", "production", "--release", "1.0.0", "--yes"]);
    waits(&world, 1);
    // The same release again would not be another promotion.
    let again = ["promote", "production", "--release", "1.0.0", "--yes"];
    assert!(world.must(&again, 6).err.contains("promotion 1"));
    world.must(&["promote", "production", "--release", "1.1.0", "--yes", "--no-wait"], 0);
    let ended = watcher.end();
    let last = ended.last();
    assert_eq!((ended.code, &last["outcome"]), (6, &"superseded".into()), "{}", ended.out);
    assert!(last["reason"].to_string().contains("1.1.0"), "{last}");
    waits(&world, 2);
    // Looking at it later gives the same answer.
    world.must(&["watch", "1"], 6);
    world.must(&["abort", "2"], 0);
    world.must(&["watch", "2"], 1);
}

#[test]
fn only_a_hotfix_takes_the_place_of_a_promotion_under_way() {
    let world = routed(&format!("{SLOW}\npreempt: [hotfix]"));
    release_of_type(&world, "1.1.1", "fix");
    release_of_type(&world, "1.1.2", "hotfix");
    let (watcher, number) = under_way(&world, "1.1.0");
    let busy = world.must(&["promote", "production", "--release", "1.1.1", "--yes"], 6);
    assert!(busy.err.contains(&format!("towpath abort {number}")), "{}", busy.err);
    let hotfix = Begun::new(&world, &["promote", "production", "--release", "1.1.2", "--yes"]);
    let ended = watcher.end();
    let last = ended.last();
    assert_eq!((ended.code, &last["outcome"]), (3, &"rolled_back".into()), "{}", ended.out);
    assert!(last["reason"].to_string().contains("1.1.2"), "{last}");
    assert_eq!(last["quarantined"], false, "to make room is no verdict");
    world.until("the hotfix is on its way", SOON, || {
        let lane = world.lane();
        lane["promotion"]["release"] == "1.1.2" && lane["weights"]["green"].as_f64() == Some(0.25)
    });
    world.must(&["abort", &(number + 1).to_string()], 0);
    assert_eq!(hotfix.end().code, 1);
    is_untouched(&world, "1.0.0");
}

#[test]
fn a_gate_asks_whether_pages_are_complete_and_accurate() {
    let gate = "\ngate:\n  prerequisites:\n    \
                - { check: command, name: Documentation complete, run: [test, -s, manual] }\n    \
                - { check: command, name: Documentation accurate, run: [cmp, manual, answers] }";
    let world = World::new(&routing(&format!("{AT_ONCE}{gate}")));
    let write = |name, text| std::fs::write(world.root().join(name), text).expect("it is written");
    let refused_for = |version, name: &str| {
        world.release(version, &[&format!("TTS_VOICE=voice{version}")]);
        let words = ["promote", "production", "--release", version, "--yes", "--json"];
        let ended = world.must(&words, 3).last();
        assert!(ended["reason"].to_string().contains(name), "{ended}");
        assert!(world.lane()["serves"].is_null(), "nothing may have started");
    };
    write("manual", "");
    write("answers", "");
    refused_for("1.0.0", "Documentation complete failed");
    write("answers", "in French");
    write("manual", "in English");
    refused_for("1.1.0", "Documentation accurate failed");
    write("manual", "in French");
    world.release("1.2.0", &[]);
    world.must(&["promote", "production", "--release", "1.2.0", "--yes"], 0);
}

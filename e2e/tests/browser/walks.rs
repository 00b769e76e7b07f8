//! What people do at the pages, each story from its beginning: watch, agree, take back, be late, lose the server.
//! Judges no look.

use serde_json::json;
use thirtyfour::Key;

use crate::driver::{Browser, Eyes};
use crate::house::House;

/// Leaves a mark on the page that a reload would wipe off.
const MARK: &str = "window.isSamePage = true; return true";

fn number_of(house: &House, number: u64) -> String {
    house.url(&format!("/promotions/{number}"))
}

fn has_text(text: &str) -> String {
    format!("document.querySelector('main').innerText.includes({})", json!(text))
}

/// The page hears of what happens: its stream is open.
fn until_live(browser: &Browser) {
    browser.until("it is live", "document.querySelector('#live .word').textContent === 'live'");
}

#[test]
#[ignore = "heavy"]
fn a_promotion_is_watched_to_its_next_step_without_a_reload() {
    let house = House::new("6m");
    let number = house.furnish();
    let Some(browser) = house.browser() else { return };
    browser.go(&number_of(&house, number));
    browser.ask(MARK);
    until_live(&browser);
    let _visitors = house.begin_rollout(number);
    let standing = "document.querySelector('#head .st').textContent";
    browser.until("it has begun", &format!("{standing}.startsWith('10%')"));
    browser.until("more visitors come to it", &format!("{standing}.startsWith('50%')"));
    assert!(browser.is("window.isSamePage"), "it was loaded again");
    // Charts grow while it goes on, and what is announced to those who do not see it is one region of few words.
    assert!(browser.count("#picture svg > *") > 3);
    assert_eq!(browser.count("#live[role=status]"), 1);
}

#[test]
#[ignore = "heavy"]
fn two_actions_on_a_telephone_approve_what_waits() {
    let house = House::new("2h");
    let number = house.furnish();
    house.attest();
    let Some(browser) = house.browser() else { return };
    browser.look_as(Eyes::PHONE);
    browser.go(&house.url("/waiting"));
    let button = format!("#do-{number}-yes");
    let height = "document.querySelector('.do .btn').getBoundingClientRect().height";
    assert!(browser.is(&format!("{height} >= 44")), "a thumb needs 44 pixels");

    browser.click(&format!("{button} > summary"));
    browser.click(&format!("{button} form button"));

    browser.until_said("Approved");
    house.until_baking();
    let told = house.world.must(&["history", "--json"], 0).out;
    assert!(told.contains("approval"), "{told}");
}

#[test]
#[ignore = "heavy"]
fn a_rollout_is_taken_back_from_its_page() {
    let house = House::new("2h");
    let number = house.furnish();
    let _visitors = house.begin_rollout(number);
    let Some(browser) = house.browser() else { return };
    browser.go(&number_of(&house, number));
    browser.click("#act-rollback > summary");
    let told = browser.text("#act-rollback form");
    assert!(told.contains("1.0.0") && told.contains("quarantine"), "it says what will be: {told}");
    browser.fill("#act-rollback input[name=reason]", "empty audio");
    browser.click("#act-rollback form button");
    browser.until("it went back", &has_text("went back"));
    browser.until("and says why", &has_text("empty audio"));
    house.until_serving("1.0.0");
}

#[test]
#[ignore = "heavy"]
fn who_is_late_is_told_and_orders_nothing() {
    let house = House::new("2h");
    let number = house.furnish();
    house.attest();
    let Some(browser) = house.browser() else { return };
    browser.go(&house.url("/waiting"));
    until_live(&browser);
    let panel = format!("#do-{number}-yes");
    browser.click(&format!("{panel} > summary"));
    browser.fill(&format!("{panel} input[name=reason]"), "I have read");

    // Meanwhile somebody else has decided.
    house.bea(&["abort", &number.to_string(), "--reason", "not today"]);

    let closed = format!("document.querySelector('{panel} form button').disabled");
    browser.until("the button is closed", &closed);
    assert!(browser.text(panel.as_str()).contains("It has changed while you looked"));
    assert!(browser.is(&format!("document.querySelector('{panel} input').value !== undefined")));

    // A page that cannot hear is refused by the server.
    let again = house.ask_again("1.1.0");
    browser.without_scripts();
    browser.go(&house.url("/waiting"));
    let panel = format!("#do-{again}-yes");
    browser.click(&format!("{panel} > summary"));
    house.bea(&["abort", &again.to_string()]);
    browser.click(&format!("{panel} form button"));
    browser.until_said("nothing was");
    assert!(!browser.text("main").contains("Approved"));
    assert_eq!(house.lane()["serves"]["release"], "1.0.0");
}

#[test]
#[ignore = "heavy"]
fn a_page_whose_server_is_gone_says_since_when_and_comes_back_by_itself() {
    let mut house = House::new("2h");
    let number = house.furnish();
    let Some(browser) = house.browser() else { return };
    browser.go(&number_of(&house, number));
    until_live(&browser);
    browser.ask(MARK);
    house.close();
    browser
        .until("it is stale", "document.querySelector('#live').innerText.includes('stale since')");
    assert!(browser.is("/\\d\\d:\\d\\d:\\d\\d/.test(document.querySelector('#live').innerText)"));
    assert!(browser.is(&has_text("1.1.0")), "what was known is still there to read");
    house.open();
    until_live(&browser);
    house.bea(&["pause", &number.to_string(), "--reason", "lunch"]);
    browser.until("what happened since is shown", &has_text("paused"));
    assert!(browser.is("window.isSamePage"), "it was loaded again");
}

#[test]
#[ignore = "heavy"]
fn without_a_script_everything_is_read_and_agreed_to() {
    let house = House::new("2h");
    let number = house.furnish();
    house.attest();
    let Some(browser) = house.browser() else { return };
    browser.without_scripts();
    browser.go(&house.url("/"));
    assert_eq!(browser.text("#live .word"), "as of");
    assert!(browser.text(".mx").contains("1.0.0"));
    browser.fill("#find", "web");
    browser.press_key(Key::Enter);
    browser.until_at("?q=web");
    browser.go(&house.url("/waiting"));
    browser.click(&format!("#do-{number}-yes > summary"));
    browser.click(&format!("#do-{number}-yes form button"));
    browser.until_said("Approved");
    house.until_baking();
}

#[test]
#[ignore = "heavy"]
fn nothing_moves_for_whoever_wants_no_motion() {
    let house = House::new("2h");
    let number = house.furnish();
    let Some(browser) = house.browser() else { return };
    browser.media(&json!([{ "name": "prefers-reduced-motion", "value": "reduce" }]));
    for path in ["/", "/waiting", &format!("/promotions/{number}"), "/insights"] {
        browser.go(&house.url(path));
        assert!(browser.is("matchMedia('(prefers-reduced-motion: reduce)').matches"));
        assert!(browser.is("document.getAnimations().length === 0"), "{path}");
        let moving = "[...document.querySelectorAll('*')].filter(one => { const style = getComputedStyle(one); \
                      return style.animationName !== 'none' || parseFloat(style.transitionDuration) > 0 || \
                      style.scrollBehavior === 'smooth'; }).length === 0";
        assert!(browser.is(moving), "{path}");
    }
}

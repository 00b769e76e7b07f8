//! The first user: from the link that the server says to a password and a second factor, out, and in again by both.
//! The rules of signing in are tested where they are made.

use std::time::{Duration, SystemTime};

use crate::driver::Browser;
use crate::house::House;

const PASSWORD: &str = "a long walk along the towpath";
/// How long a code counts.
const STEP: Duration = Duration::from_secs(30);

/// The code that an application would show after `later`.
fn code(key: &str, later: Duration) -> String {
    let key: String = key.split_whitespace().collect();
    let secret = totp_rs::Secret::try_from_base32(&key).unwrap();
    let codes = totp_rs::Builder::new().with_secret(secret).build().unwrap();
    let at = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap() + later;
    codes.generate(at.as_secs()).to_string()
}

fn send(browser: &Browser, fields: &[(&str, &str)]) {
    for (name, text) in fields {
        browser.fill(&format!("main input[name={name}]"), text);
    }
    browser.click("main form button");
}

#[test]
#[ignore = "heavy"]
fn the_first_user_sets_up_a_password_and_a_second_factor_and_agrees_by_both() {
    let house = House::with("2h", |matrix| {
        matrix.replace("    approvals:", "    iam: { session: 15m, mfa: true }\n    approvals:")
    });
    let link = house.serving.as_ref().unwrap().until_said("sign in by password yet");
    let Some(browser) = Browser::begin() else { return };
    browser.go(link.rsplit("by ").next().unwrap());
    send(&browser, &[("name", "ada")]);
    browser.until_at("/sign-in/password");
    send(&browser, &[("new", PASSWORD), ("again", PASSWORD)]);
    browser.until_at("/sign-in/second");
    browser.click("main form button");
    browser.until_said("Key: ");
    let said = browser.text("main");
    let key = said.lines().find_map(|line| line.trim().strip_prefix("Key: ")).unwrap().to_owned();
    send(&browser, &[("code", &code(&key, Duration::ZERO))]);
    browser.until_at(&house.url("/"));
    browser.go(&house.url("/sign-out"));
    browser.click("main form button");

    let number = house.lay_out();
    house.attest();
    browser.go(&house.url("/waiting"));
    assert!(browser.address().contains("/sign-in"), "nobody reads: {}", browser.address());
    send(&browser, &[("name", "ada"), ("password", "not this")]);
    browser.until("it says so", "document.querySelector('[role=alert]')");
    browser.ask("document.querySelector('main input[name=name]').value = ''; return 1");
    send(&browser, &[("name", "ada"), ("password", PASSWORD)]);
    assert_eq!(
        browser.address(),
        house.url("/waiting"),
        "one is led back to where one wanted to go"
    );

    browser.click(&format!("#do-{number}-yes > summary"));
    browser.click(&format!("#do-{number}-yes form button"));
    browser.until_said("second factor");
    // The code that is shown was used: the application shows the next one soon, and that is taken as well.
    send(&browser, &[("code", &code(&key, STEP))]);
    browser.until("one is led back", &format!("document.getElementById('do-{number}-yes')"));
    browser.click(&format!("#do-{number}-yes > summary"));
    browser.click(&format!("#do-{number}-yes form button"));
    browser.until_said("Approved");
    house.until_serving("1.0.0");
}

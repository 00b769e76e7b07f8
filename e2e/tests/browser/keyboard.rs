//! Everything is reached and done by keys alone, in the order in which it is read. Judges no look.

use thirtyfour::Key;

use crate::driver::Browser;
use crate::house::House;

/// What has the cursor: its tag, its class and the beginning of its words.
fn focused(browser: &Browser) -> String {
    let asked = "const one = document.activeElement; \
                 return [one.tagName, one.id, one.className.baseVal ?? one.className, \
                         one.textContent.trim().slice(0, 20)].join(' ')";
    browser.ask(asked).as_str().unwrap().to_owned()
}

#[test]
#[ignore = "heavy"]
fn the_matrix_is_filtered_walked_and_left_by_keys() {
    let house = House::new("2h");
    let number = house.furnish();
    let Some(browser) = house.browser() else { return };

    browser.press_key(Key::Tab);
    assert!(focused(&browser).contains("skip"), "first of all one may skip: {}", focused(&browser));
    browser.press_key(Key::Enter);
    assert!(browser.address().ends_with("#main"));
    browser.press_key(Key::Tab);
    let is_inside = "document.querySelector('main').contains(document.activeElement)";
    assert!(browser.is(is_inside), "the way on begins in the content: {}", focused(&browser));

    browser.press("/");
    assert!(focused(&browser).contains("find"));
    browser.press("web");
    assert!(browser.is("document.querySelectorAll('.cell.off').length === 2"), "api fades");
    browser.press_key(Key::Escape);
    browser.press("j");
    let at = "document.activeElement.closest('tr').dataset.row";
    let first = browser.ask(&format!("return {at}"));
    browser.press("j");
    assert_ne!(browser.ask(&format!("return {at}")), first);
    browser.press("k");
    assert_eq!(browser.ask(&format!("return {at}")), first);
    browser.press("l");
    assert!(browser.is("document.activeElement.dataset.t === 'production'"));
    browser.press_key(Key::Enter);
    browser.until("it is opened", &format!("location.pathname === '/promotions/{number}'"));
    browser.press("w");
    browser.until("what waits is opened", "location.pathname === '/waiting'");
    browser.press("m");
    browser.until("the matrix is opened", "location.pathname === '/'");
}

#[test]
#[ignore = "heavy"]
fn each_page_shows_its_keys_and_gives_the_cursor_back() {
    let house = House::new("2h");
    let number = house.furnish();
    let Some(browser) = house.browser() else { return };
    for path in
        ["/", "/waiting", "/releases", "/pipeline", "/audit", &format!("/promotions/{number}")]
    {
        browser.go(&house.url(path));
        browser.press("?");
        assert!(browser.is("document.querySelector('#keys').open"), "{path}");
        assert!(browser.is("document.querySelector('#keys').contains(document.activeElement)"));
        browser.press_key(Key::Escape);
        assert!(!browser.is("document.querySelector('#keys').open"), "{path}");
    }
}

#[test]
#[ignore = "heavy"]
fn what_waits_is_answered_by_keys_and_the_cursor_is_always_seen() {
    let house = House::new("2h");
    let number = house.furnish();
    house.attest();
    let Some(browser) = house.browser() else { return };
    browser.go(&house.url("/waiting"));
    let mut seen = Vec::new();
    let mut tries = 0..40;
    let is_there = format!("document.activeElement.parentElement.id === 'do-{number}-yes'");
    while !browser.is(&is_there) {
        assert!(tries.next().is_some(), "it is never reached: {seen:#?}");
        browser.press_key(Key::Tab);
        // From the last of them the way leads round by the browser's own buttons, which a test has none of.
        if browser.is("document.activeElement === document.body") {
            continue;
        }
        let ring = "(() => { const style = getComputedStyle(document.activeElement); \
                    return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2; })()";
        assert!(browser.is(ring), "no ring around {}", focused(&browser));
        let box_ = "(() => { const box = document.activeElement.getBoundingClientRect(); \
                    return box.width > 0 && box.bottom > 0 && box.top < innerHeight; })()";
        assert!(browser.is(box_), "out of sight: {}", focused(&browser));
        seen.push(focused(&browser));
    }
    browser.press_key(Key::Enter);
    browser.until(
        "the panel is open and its field has the cursor",
        "document.activeElement.name === 'reason'",
    );
    browser.press("read it");
    browser.press_key(Key::Enter);
    browser.until_said("Approved");
    house.until_baking();
}

//! Every page that a link leads to, as people with a telephone, a large screen, in the dark, with a reader of screens
//! see it: nothing is cut off, nothing weighs much, and nothing serious is in anybody's way (WCAG 2.2 AA, by axe-core).

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use serde_json::Value;

use crate::driver::{Browser, Eyes};
use crate::house::House;

/// The most that a page may weigh with all that it loads, in bytes: 100 KiB.
const LIGHT: u64 = 100 * 1024;
/// How many pages of one kind are looked at.
const OF_A_KIND: usize = 2;

/// The kind of an address: its path without what it is about, and the names of what it asks.
fn kind_of(address: &str) -> String {
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    let parts: Vec<&str> = path.split('/').collect();
    let path = match parts.as_slice() {
        ["", kind @ ("promotions" | "lanes" | "releases"), _, ..] => format!("/{kind}/*"),
        _ => path.to_owned(),
    };
    let names = query.split('&').map(|pair| pair.split('=').next().unwrap_or_default());
    format!("{path}?{}", names.collect::<Vec<_>>().join("&"))
}

/// Addresses that the forms of a page lead to which only look: as they stand, with a word to search for where one can
/// search, and with the last of every choice.
const FORMS: &str = "
    const forms = [...document.querySelectorAll('main form')].filter(one => one.method === 'get');
    const place = (one, data) => new URL(one.getAttribute('action'), location).pathname + '?' + new URLSearchParams(data);
    return forms.flatMap(one => {
        const plain = new FormData(one), chosen = new FormData(one);
        for (const field of one.querySelectorAll('input[name=q]')) if (!field.value) { plain.set('q', 'api'); chosen.set('q', 'api'); }
        for (const field of one.querySelectorAll('select')) chosen.set(field.name, field.options[field.options.length - 1].value);
        return [place(one, plain), place(one, chosen)]; });";

/// Addresses of all pages that links and forms lead to, from the matrix on, so many of each kind.
pub(crate) fn pages(house: &House, browser: &Browser, of_a_kind: usize) -> Vec<String> {
    let links = "return [...document.querySelectorAll('a[href]:not([download])')].map(one => new URL(one.getAttribute('href'), location)) \
                 .filter(one => one.origin === location.origin).map(one => one.pathname + one.search)";
    let mut found = vec!["/".to_owned(), "/nowhere".to_owned(), "/promotions/999".to_owned()];
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    let mut at = 0;
    while at < found.len() {
        browser.go(&house.url(&found[at]));
        at += 1;
        for link in strings(&browser.ask(links)).into_iter().chain(strings(&browser.ask(FORMS))) {
            // Signing out would end what is looked at; what is handed out as a file is no page.
            let is_page = !link.starts_with("/v1") && !link.contains("download");
            if is_page && !found.contains(&link) {
                let known = kinds.entry(kind_of(&link)).or_default();
                *known += 1;
                if *known <= of_a_kind {
                    found.push(link);
                }
            }
        }
    }
    found.extend([
        "/sign-in".to_owned(),
        "/sign-in/password".to_owned(),
        "/sign-in/second".to_owned(),
    ]);
    found
}

/// What hangs out of a page at its side, and what is wider than where it stands without a way to move it.
const CUT_OFF: &str = "
    const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
    const scrolls = (one) => { for (let up = one; up; up = up.parentElement) {
        const flow = getComputedStyle(up).overflowX;
        if (flow === 'auto' || flow === 'scroll' || flow === 'hidden') return true; } return false; };
    const out = [...document.querySelectorAll('main *, header *')].filter(one => {
        const box = one.getBoundingClientRect();
        return box.width > 1 && box.height > 1 && (box.right > innerWidth + 1 || box.left < -1) && !scrolls(one)
            && !one.closest('svg, .vh, .skip'); });
    return (wide > 0 ? [wide + ' pixels too wide'] : []).concat(
        out.slice(0, 5).map(one => one.outerHTML.slice(0, 120)));";

/// What a page weighs with all that it loads, and when something of it was seen first. That is known a frame after the
/// page is there, so that whoever asks at once is told of none: the question waits for the frame.
const WEIGHT: &str = "
    const done = arguments[0];
    const all = performance.getEntriesByType('navigation').concat(performance.getEntriesByType('resource'));
    const weight = all.reduce((sum, one) => sum + one.decodedBodySize, 0);
    const seen = (list) => { const paint = list.getEntriesByName('first-contentful-paint')[0];
        if (paint) done([weight, Math.round(paint.startTime)]); };
    new PerformanceObserver(seen).observe({ type: 'paint', buffered: true });
    setTimeout(() => done([weight, null]), 20000);";

/// What a page weighs, and when it was seen first, in milliseconds after somebody asked for it.
#[expect(clippy::print_stderr, reason = "whoever runs the tests reads the figures")]
fn measured(browser: &Browser, page: &str) -> (u64, u64) {
    let answer = browser.ask_at_leisure(WEIGHT);
    let weight = answer[0].as_u64().unwrap_or_default();
    let painted = answer[1].as_u64();
    let painted = painted.unwrap_or_else(|| panic!("nothing of {page} was ever seen"));
    eprintln!("{weight:>7} bytes, first paint after {painted:>4} ms: {page}");
    (weight, painted)
}

/// The checks of axe-core; none where they are not installed, which is a failure under CI.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn axe() -> Option<String> {
    let folder = std::env::var_os("TOWPATH_BROWSER_TOOLS").map(PathBuf::from);
    let file = folder.map(|folder| folder.join("node_modules/axe-core/axe.min.js"));
    let text = file.and_then(|file| std::fs::read_to_string(file).ok());
    if text.is_none() {
        let why = "TOWPATH_BROWSER_TOOLS names no folder with axe-core (npm install axe-core)";
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "it must run under CI: {why}");
        eprintln!("skipped: {why}");
    }
    text
}

const SERIOUS: &str = "
    const done = arguments[0];
    axe.run(document, { resultTypes: ['violations'] }).then(found => done(found.violations
        .filter(one => one.impact === 'serious' || one.impact === 'critical')
        .map(one => one.id + ': ' + one.nodes.slice(0, 3)
            .map(node => node.html.slice(0, 160) + ' ' + node.failureSummary.slice(0, 200)).join(' | '))),
        error => done(['it broke down: ' + error]));";

fn strings(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()).collect()
}

/// A house in which every page has something on it, and visitors who come until the end.
fn full() -> (House, towpath_e2e::Visitors) {
    let house = House::new("2h");
    let number = house.furnish();
    let visitors = house.begin_rollout(number);
    house.release("web", "3.1.0", &["--setting", "THEME=plain"]);
    house.bea(&["promote", "staging", "--service", "web", "--release", "3.1.0", "--yes"]);
    let own = ["--service", "web", "--release", "3.1.0", "--yes", "--no-wait"];
    house.bea(&[&["promote", "production"][..], &own].concat());
    house.bea(&["freeze", "staging", "--for", "2h", "--reason", "an audit", "--service", "web"]);
    (house, visitors)
}

#[test]
#[ignore = "heavy"]
fn no_page_is_cut_off_or_heavy_or_in_anybodys_way() {
    let (house, _visitors) = full();
    let axe = axe();
    let Some(browser) = house.browser() else { return };
    let pages = pages(&house, &browser, OF_A_KIND);
    assert!(pages.len() >= 12, "there are more pages than these: {pages:?}");
    if let Some(axe) = &axe {
        browser.before_each_page(axe);
    }
    let mut wrong: Vec<String> = Vec::new();
    for page in &pages {
        browser.look_as(Eyes::DESK);
        browser.go(&house.url(page));
        let (weight, _) = measured(&browser, page);
        if weight > LIGHT {
            wrong.push(format!("{page} weighs {weight} bytes"));
        }
        for eyes in [Eyes::DESK, Eyes::DESK.dark(), Eyes::PHONE, Eyes::PHONE.dark()] {
            browser.look_as(eyes);
            let name = page.replace(['/', '?', '&', '='], "_");
            browser.picture(&format!(
                "{}{}{name}",
                eyes.width,
                if eyes.is_dark { "-dark" } else { "" }
            ));
            let mut found = strings(&browser.ask(CUT_OFF));
            if axe.is_some() {
                found.extend(strings(&browser.ask_at_leisure(SERIOUS)));
            }
            wrong.extend(found.iter().map(|what| format!("{page} at {eyes:?}: {what}")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Further services of the house, so that there are fifty.
const MORE: usize = 48;

#[test]
#[ignore = "heavy"]
fn with_fifty_services_every_page_is_light_and_none_is_cut_off() {
    // Not yet in each run of CI: it takes more than ten minutes of a busy machine.
    if std::env::var_os("TOWPATH_AT_LENGTH").is_none() {
        return;
    }
    let name = |number: usize| format!("service-{number:02}");
    let house = House::with("2h", |matrix| {
        let mut more = String::new();
        for number in 1..=MORE {
            let _ = writeln!(more, "  {}: {{ purpose: What visitors see of it }}", name(number));
        }
        matrix.replace("defaults:\n", &format!("{more}defaults:\n"))
    });
    for number in 1..=MORE {
        let service = name(number);
        house.release(&service, "1.0.0", &[]);
        let own = ["--service", &service, "--release", "1.0.0", "--yes", "--no-wait"];
        house.bea(&[&["promote", "staging"][..], &own].concat());
    }
    let Some(browser) = house.browser() else { return };
    let serving = "document.querySelectorAll('.cell .rel:not(.none)').length";
    browser.until("they serve", &format!("{serving} >= {MORE}"));
    let mut wrong: Vec<String> = Vec::new();
    for page in pages(&house, &browser, 1) {
        browser.look_as(Eyes::DESK);
        browser.go(&house.url(&page));
        let (weight, _) = measured(&browser, &page);
        if weight > LIGHT {
            wrong.push(format!("{page} weighs {weight} bytes"));
        }
        for eyes in [Eyes::DESK, Eyes::PHONE, Eyes::WALL] {
            browser.look_as(eyes);
            let cut = strings(&browser.ask(CUT_OFF));
            wrong.extend(cut.iter().map(|what| format!("{page} at {eyes:?}: {what}")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

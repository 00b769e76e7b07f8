//! What somebody wrote never runs (trust.md: T7, T8, B19, B25): five hundred ways to break out of where a text stands,
//! in every field that a person or a program fills, looked at in a real browser. Judges nothing else of a page.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::driver::Browser;
use crate::every_page::pages;
use crate::house::House;

/// Out of which place a text breaks.
const PLACES: [&str; 14] = [
    "",
    "\">",
    "'>",
    "`>",
    "</script>",
    "</title>",
    "</textarea>",
    "</style>",
    "</svg>",
    "-->",
    "]]>",
    "\\\">",
    "</a>",
    "</template>",
];

/// What it does then; HIT tells that it ran.
const TRICKS: [&str; 36] = [
    "<script>HIT</script>",
    "<ScRiPt\n>HIT</sCrIpT >",
    "<script src=data:,HIT></script>",
    "<scr<script>ipt>HIT</scr</script>ipt>",
    "<img src=x onerror=HIT>",
    "<img/src=\"x\"/onerror=\"HIT\">",
    "<IMG SRC=x ONERROR=&#72;IT onerror=HIT>",
    "<svg onload=HIT>",
    "<svg/onload=HIT//",
    "<svg><script>HIT</script></svg>",
    "<svg><animate onbegin=HIT attributeName=x dur=1s>",
    "<svg><a xlink:href=\"javascript:HIT\"><text>x</text></a></svg>",
    "<math><mtext><table><mglyph><style><img src=x onerror=HIT>",
    "<iframe srcdoc=\"<script>parent.HIT</script>\"></iframe>",
    "<iframe src=javascript:HIT></iframe>",
    "<object data=javascript:HIT></object>",
    "<embed src=javascript:HIT>",
    "<details open ontoggle=HIT>",
    "<input autofocus onfocus=HIT>",
    "\" autofocus onfocus=\"HIT\" x=\"",
    "' onmouseover='HIT' style='position:fixed;inset:0",
    "<body onload=HIT>",
    "<video><source onerror=HIT></video>",
    "<marquee onstart=HIT>x</marquee>",
    "<form action=javascript:HIT><button autofocus>x</button></form>",
    "<base href=\"javascript:HIT//\">",
    "<meta http-equiv=refresh content=\"0;url=javascript:HIT\">",
    "<link rel=stylesheet href=data:text/css,*{background:red}>",
    "<a href=\"javascript:HIT\">x</a>",
    "<a href=\"java\tscript:HIT\">x</a>",
    "javascript:HIT",
    "data:text/html,<script>HIT</script>",
    "&lt;img src=x onerror=HIT&gt;",
    "\\u003cimg src=x onerror=HIT\\u003e",
    "%3Cimg%20src=x%20onerror=HIT%3E",
    "{{constructor.constructor('HIT')()}}${HIT}<%= HIT %>",
];

/// A reason has at most 500 characters; an address is added to it.
const LONGEST: usize = 450;

/// Every place with every trick, each with its number.
fn corpus() -> Vec<String> {
    let all = PLACES.iter().flat_map(|place| TRICKS.iter().map(move |trick| (place, trick)));
    all.enumerate()
        .map(|(at, (place, trick))| format!("{place}{trick}").replace("HIT", &format!("hit({at})")))
        .collect()
}

/// The corpus in texts that fields take; the breaks are where one ends.
fn texts() -> Vec<String> {
    let mut texts = vec![String::new()];
    for one in corpus() {
        if texts.last().unwrap().len() + one.len() > LONGEST {
            texts.push(String::new());
        }
        write!(texts.last_mut().unwrap(), "{} ", one.replace('\n', " ")).unwrap();
    }
    texts
}

/// Before each page: what runs is counted, and so is what only the rules for the page kept from running.
const WATCH: &str = "
    window.ran = []; window.hit = number => window.ran.push(number);
    for (const name of ['alert', 'confirm', 'prompt']) window[name] = () => window.ran.push(name);
    window.kept = [];
    document.addEventListener('securitypolicyviolation', event => {
        window.kept.push(event.violatedDirective + ' ' + event.blockedURI + ' ' + event.sample); });";

/// What is on the page that only a text could have brought there.
const BROUGHT: &str = "
    const brought = window.ran.map(one => 'ran: ' + one).concat(window.kept.map(one => 'was kept from it: ' + one));
    for (const one of document.querySelectorAll('*')) {
        for (const attribute of one.attributes)
            if (/^on/i.test(attribute.name)) brought.push(one.outerHTML.slice(0, 120));
        for (const name of ['href', 'src', 'action', 'formaction', 'data', 'xlink:href']) {
            const value = one.getAttribute(name);
            if (value && /^[\\s\\u0000-\\u0020]*(javascript|data|vbscript)/i.test(value) && !value.startsWith('data:,'))
                brought.push(one.outerHTML.slice(0, 120)); }
        if (/^(iframe|object|embed|base|marquee|video|math)$/i.test(one.tagName)) brought.push(one.tagName);
        if (one.tagName === 'A' && /evil\\.example/.test(one.href)) brought.push('a link that nobody gave'); }
    return brought;";

/// A team all of whose words are hostile.
fn hostile() -> House {
    let texts = texts();
    let title = format!("../../x?{}#%2f..", corpus()[4]);
    let house = House::with("2h", |matrix| {
        let quoted = |text: &str| json!(text).to_string();
        let output = "gate: { validation: [ { check: command, name: NAME, run: [/bin/sh, -c, \"cat said; exit 1\"] } ] }";
        let output = output.replace("NAME", &quoted(&corpus()[40]));
        matrix
            .replace("Takes text in and hands out audio jobs", "PURPOSE")
            .replace("purpose: PURPOSE", &format!("purpose: {}", quoted(&texts[0])))
            .replace("name: Bea Lind", &format!("name: {}", quoted(&texts[1])))
            .replace("name: Tried by hand", &format!("name: {}", quoted(&title)))
            .replace(
                "    tier: staging\n",
                &format!("    tier: staging\n    title: {}\n    services:\n      web:\n        {output}\n", quoted(&texts[2])),
            )
    });
    std::fs::write(house.world.root().join("said"), corpus().join("\n")).unwrap();
    fill(&house, &texts);
    house
}

/// Puts every text into every field that takes one.
fn fill(house: &House, texts: &[String]) {
    let setting = |text: &str| format!("NOTE={text}");
    house.release("api", "1.0.0", &["--setting", &setting(&texts[3]), "--branch", &corpus()[8]]);
    house.release("api", "1.1.0", &["--setting", &setting(&texts[4]), "--branch", &corpus()[44]]);
    house.release("web", "3.0.0", &[]);
    let own = [
        "promote",
        "staging",
        "--service",
        "web",
        "--release",
        "3.0.0",
        "--yes",
        "--act-as",
        "bea",
    ];
    // Its check says all of it, and fails.
    assert_ne!(house.world.run(&own).code, 0);
    for version in ["1.0.0", "1.1.0"] {
        house.bea(&["promote", "staging", "--service", "api", "--release", version, "--yes"]);
    }
    for (at, text) in texts.iter().enumerate() {
        // What begins with a dash would be taken for an option.
        let text = format!("I say {text} https://evil.example/{at}");
        let number = house.ask_because("1.0.0", &text).to_string();
        if at % 4 == 1 {
            house.bea(&["pause", &number, "--reason", &text]);
        }
        let link = if at % 2 == 0 {
            "javascript:hit(1)"
        } else {
            "https://ci.example/\"><script>hit(2)</script>"
        };
        house.world.must(&["approve", &number, "--note", &text, "--link", link], 0);
        if at % 4 == 0 {
            house.bea(&["freeze", "staging", "--service", "web", "--reason", &text, "--for", "1h"]);
        }
        if at + 1 < texts.len() {
            house.bea(&["abort", &number, "--reason", &text]);
        }
    }
}

#[test]
#[ignore = "heavy"]
fn t8_cve_b25_nothing_that_somebody_wrote_ever_runs() {
    assert!(corpus().len() >= 500, "{}", corpus().len());
    let house = hostile();
    let Some(browser) = house.browser() else { return };
    browser.before_each_page(WATCH);
    let mut addresses = pages(&house, &browser, 40);
    for place in [
        "/?q=",
        "/?show=",
        "/?done=",
        "/compare?from=",
        "/audit?kind=",
        "/audit?q=",
        "/lanes/api/production?span=",
    ] {
        addresses.extend(corpus().iter().step_by(29).map(|one| format!("{place}{}", encoded(one))));
    }
    let mut shown = 0;
    for address in &addresses {
        browser.go(&house.url(address));
        let brought = browser.ask(BROUGHT);
        assert_eq!(brought, json!([]), "{address}");
        let texts = "return (document.body.innerText.match(/hit\\(\\d+\\)/g) || []).length";
        shown += browser.ask(texts).as_u64().unwrap();
    }
    // All of it is there to be read, several times over, or else this would have shown nothing.
    assert!(shown > 1000, "only {shown} of them are shown, on {} pages", addresses.len());
    each_place_is_itself(&house, &browser);
}

/// A question whose name is a path is answered where it stands, and slashes that are hidden lead nowhere (B19).
fn each_place_is_itself(house: &House, browser: &Browser) {
    browser.go(&house.url("/waiting"));
    browser.click("details[id^=attest-] > summary");
    browser.fill("details[id^=attest-] input[name=reason]", "tried it");
    browser.click("details[id^=attest-] form button");
    browser.until("it was taken", "document.querySelector('main').innerText.includes('Attested')");
    assert_eq!(browser.ask(BROUGHT), json!([]));
    for address in [
        "/promotions/..%2f..%2faudit",
        "/releases/api/..%2F..%2Faudit",
        "/lanes/%2e%2e%2faudit/production",
    ] {
        browser.go(&house.url(address));
        assert!(!browser.is("/Audit/.test(document.title)"), "{address} leads elsewhere");
        assert_eq!(browser.ask(BROUGHT), json!([]), "{address}");
    }
}

/// A text as a part of an address.
fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |all, byte| all + format!("%{byte:02X}").as_str())
}

#[test]
#[ignore = "heavy"]
fn t7_no_page_stands_in_a_frame_of_somebody_elses() {
    let house = House::new("2h");
    let Some(browser) = house.browser() else { return };
    for path in ["/waiting", "/sign-in"] {
        let outside = format!("<iframe src='{}'></iframe>", house.url(path));
        browser.go(&format!("data:text/html,{}", encoded(&outside)));
        browser.enter_frame();
        let inside: Value = browser.ask("return location.href + document.body.innerText");
        assert!(
            inside.as_str().unwrap().starts_with("chrome-error:"),
            "{path} is framed: {inside}"
        );
        browser.go(&house.url(path));
        assert_eq!(browser.count("#main"), 1, "by itself it is there");
    }
}
